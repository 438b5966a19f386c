"""Changes to functions, procedures and aggregates."""

# ruff: noqa: E501 - a change is a line of SQL

from tests.drift.kind import Kind

_F = "alter function s.f(int) "
_AGG = "create aggregate s.total(int) "

KINDS = (
    Kind(
        "new function",
        "create function s.nf() returns int language sql as 'select 1'",
        "drop function s.nf()",
        "function s.nf()",
    ),
    Kind(
        "overloaded function",
        "create function s.f(text) returns int language sql as 'select 1'",
        "drop function s.f(text)",
        "function s.f(text)",
    ),
    Kind(
        "body of a function",
        "create or replace function s.f(x int) returns int language sql as 'select x + 1'",
        "create or replace function s.f(x int) returns int language sql as 'select x'",
        "function s.f(integer)",
    ),
    Kind(
        "default of an argument",
        "create or replace function s.f(x int default 4) returns int language sql as 'select x'",
        "drop function s.f(int); create function s.f(x int) returns int language sql as 'select x'",
        "function s.f(integer)",
    ),
    Kind(
        "name of an argument",
        "drop function s.f(int); create function s.f(y int) returns int language sql as 'select y'",
        "drop function s.f(int); create function s.f(x int) returns int language sql as 'select x'",
        "function s.f(integer)",
    ),
    Kind(
        "result of a function",
        "drop function s.f(int); create function s.f(x int) returns bigint language sql as 'select x::bigint'",
        "drop function s.f(int); create function s.f(x int) returns int language sql as 'select x'",
        "function s.f(integer)",
    ),
    Kind(
        "set-returning function",
        "create function s.nf() returns setof int language sql as 'select 1'",
        "drop function s.nf()",
        "function s.nf()",
    ),
    Kind(
        "language of a function",
        "create or replace function s.f(x int) returns int language plpgsql as 'begin return x; end'",
        "create or replace function s.f(x int) returns int language sql as 'select x'",
        "function s.f(integer)",
    ),
    Kind("volatility", _F + "immutable", _F + "volatile", "function s.f(integer)"),
    Kind("strict", _F + "strict", _F + "called on null input", "function s.f(integer)"),
    Kind("security definer", _F + "security definer", _F + "security invoker", "function s.f(integer)"),
    Kind("leakproof", _F + "leakproof", _F + "not leakproof", "function s.f(integer)"),
    Kind("parallel safe", _F + "parallel safe", _F + "parallel unsafe", "function s.f(integer)"),
    Kind("cost", _F + "cost 7", _F + "cost 100", "function s.f(integer)"),
    Kind(
        "rows",
        "alter function s.many() rows 5",
        "alter function s.many() rows 1000",
        "function s.many()",
        setup="create function s.many() returns setof int language sql as 'select 1'",
    ),
    Kind(
        "setting of a function",
        _F + "set search_path = s",
        _F + "reset search_path",
        "function s.f(integer)",
    ),
    Kind(
        "support of a function",
        _F + "support generate_series_int4_support",
        "drop function s.f(int); create function s.f(x int) returns int language sql as 'select x'",
        "function s.f(integer)",
    ),
    Kind(
        "owner of a function",
        _F + "owner to drift_one",
        _F + "owner to current_user",
        "function s.f(integer)",
    ),
    Kind(
        "renamed function",
        _F + "rename to ff",
        "alter function s.ff(int) rename to f",
        "function s.ff(integer)",
    ),
    Kind(
        "function in another schema",
        _F + "set schema other",
        "alter function other.f(int) set schema s",
        "function other.f(integer)",
    ),
    Kind(
        "function that depends on an extension",
        _F + "depends on extension hstore",
        _F + "no depends on extension hstore",
        "function s.f(integer)",
    ),
    Kind(
        "function with a body of its own",
        "create or replace function s.f(x int) returns int language sql return x",
        "create or replace function s.f(x int) returns int language sql as 'select x'",
        "function s.f(integer)",
    ),
    Kind(
        "window function",
        "create function s.wf() returns bigint language internal window as 'window_row_number'",
        "drop function s.wf()",
        "function s.wf()",
    ),
    Kind(
        "variadic function",
        "create function s.nf(variadic x int[]) returns int language sql as 'select 1'",
        "drop function s.nf(int[])",
        "function s.nf(integer[])",
    ),
    Kind(
        "table function",
        "create function s.nf() returns table (x int, y text) language sql as 'select 1, null'",
        "drop function s.nf()",
        "function s.nf()",
    ),
    Kind(
        "transform of a function",
        "create function s.nf(x s.pair) returns int transform for type s.pair language sql as 'select 1'",
        "drop function s.nf(s.pair)",
        "function s.nf(s.pair)",
        setup="create function s.pair_in(internal) returns internal language internal immutable as 'boolin'; create transform for s.pair language sql (from sql with function s.pair_in(internal))",
    ),
    Kind(
        "new procedure",
        "create procedure s.np() language sql as 'select 1'",
        "drop procedure s.np()",
        "procedure s.np()",
    ),
    Kind(
        "body of a procedure",
        "create or replace procedure s.p(x int) language sql as 'select x + 1'",
        "create or replace procedure s.p(x int) language sql as 'select x'",
        "procedure s.p(integer)",
    ),
    Kind(
        "procedure against function",
        "drop procedure s.p(int); create function s.p(x int) returns void language sql as 'select x'",
        "drop function s.p(int); create procedure s.p(x int) language sql as 'select x'",
        "procedure s.p(integer)",
    ),
    Kind(
        "new aggregate",
        _AGG + "(sfunc = int4pl, stype = int)",
        "drop aggregate s.total(int)",
        "aggregate s.total(integer)",
    ),
    Kind(
        "initial value of an aggregate",
        "create or replace aggregate s.agg(int) (sfunc = int4pl, stype = int, initcond = '5')",
        "create or replace aggregate s.agg(int) (sfunc = int4pl, stype = int, initcond = '0')",
        "aggregate s.agg(integer)",
        setup="create aggregate s.agg(int) (sfunc = int4pl, stype = int, initcond = '0')",
    ),
    Kind(
        "ordered-set aggregate",
        "create aggregate s.os(float8 order by anyelement) (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra)",
        "drop aggregate s.os(float8 order by anyelement)",
        "aggregate s.os(double precision,anyelement)",
    ),
    Kind(
        "parallel aggregate",
        "create or replace aggregate s.agg2(int) (sfunc = int4pl, stype = int, parallel = safe, combinefunc = int4pl)",
        "create or replace aggregate s.agg2(int) (sfunc = int4pl, stype = int)",
        "aggregate s.agg2(integer)",
        setup="create aggregate s.agg2(int) (sfunc = int4pl, stype = int)",
    ),
    Kind(
        "owner of an aggregate",
        "alter aggregate s.agg3(int) owner to drift_one",
        "alter aggregate s.agg3(int) owner to current_user",
        "aggregate s.agg3(integer)",
        setup="create aggregate s.agg3(int) (sfunc = int4pl, stype = int)",
    ),
)
