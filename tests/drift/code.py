"""Changes to functions, procedures, aggregates, triggers, event triggers and policies."""

from tests.drift.kind import Kind

_F = "alter function s.f(int) "
_NEXT = iter(range(100))


def _trigger(name: str, left: str, right: str, kind: str = "") -> Kind:
    """A trigger in two forms; each is what follows the name."""
    table = f"s.tr_{next(_NEXT)}"
    create, drop = f"create {kind} trigger g ", f"drop trigger g on {table}; "
    left, right = left.replace("TABLE", table), right.replace("TABLE", table)
    return Kind(
        name,
        drop + create + right,
        drop + create + left,
        f"trigger {table}.g",
        setup=f"create table {table} (a int, b int); {create}{left}",
    )


def _policy(name: str, left: str, right: str) -> Kind:
    table = f"s.po_{next(_NEXT)}"
    create, drop = f"create policy p on {table} ", f"drop policy p on {table}; "
    return Kind(
        name,
        drop + create + right,
        drop + create + left,
        f"policy {table}.p",
        setup=f"create table {table} (a int); {create}{left}",
    )


_RUN = "for each row execute function s.touch()"
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
        "create function s.f(x text) returns int language sql as 'select 1'",
        "drop function s.f(text)",
        "function s.f(x text)",
    ),
    Kind(
        "body of a function",
        "create or replace function s.f(x int) returns int language sql as 'select x + 1'",
        "create or replace function s.f(x int) returns int language sql as 'select x'",
        "function s.f(x integer)",
    ),
    Kind(
        "default of an argument",
        "create or replace function s.f(x int default 4) returns int language sql as 'select x'",
        "drop function s.f(int); create function s.f(x int) returns int language sql as 'select x'",
        "function s.f(x integer)",
    ),
    Kind(
        "name of an argument",
        "drop function s.f(int); create function s.f(y int) returns int language sql as 'select y'",
        "drop function s.f(int); create function s.f(x int) returns int language sql as 'select x'",
        "function s.f(y integer)",
    ),
    Kind(
        "result of a function",
        "drop function s.f(int); create function s.f(x int) returns bigint language sql as 'select x::bigint'",
        "drop function s.f(int); create function s.f(x int) returns int language sql as 'select x'",
        "function s.f(x integer)",
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
        "function s.f(x integer)",
    ),
    Kind("volatility", _F + "immutable", _F + "volatile", "function s.f(x integer)"),
    Kind("strict", _F + "strict", _F + "called on null input", "function s.f(x integer)"),
    Kind("security definer", _F + "security definer", _F + "security invoker", "function s.f(x integer)"),
    Kind("leakproof", _F + "leakproof", _F + "not leakproof", "function s.f(x integer)"),
    Kind("parallel safe", _F + "parallel safe", _F + "parallel unsafe", "function s.f(x integer)"),
    Kind("cost", _F + "cost 7", _F + "cost 100", "function s.f(x integer)"),
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
        "function s.f(x integer)",
    ),
    Kind(
        "support of a function",
        _F + "support generate_series_int4_support",
        "drop function s.f(int); create function s.f(x int) returns int language sql as 'select x'",
        "function s.f(x integer)",
    ),
    Kind(
        "owner of a function",
        _F + "owner to drift_one",
        _F + "owner to current_user",
        "function s.f(x integer)",
    ),
    Kind(
        "renamed function",
        _F + "rename to ff",
        "alter function s.ff(int) rename to f",
        "function s.ff(x integer)",
    ),
    Kind(
        "function in another schema",
        _F + "set schema other",
        "alter function other.f(int) set schema s",
        "function other.f(x integer)",
    ),
    Kind(
        "function that depends on an extension",
        _F + "depends on extension hstore",
        _F + "no depends on extension hstore",
        "function s.f(x integer)",
    ),
    Kind(
        "function with a body of its own",
        "create or replace function s.f(x int) returns int language sql return x",
        "create or replace function s.f(x int) returns int language sql as 'select x'",
        "function s.f(x integer)",
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
        "function s.nf(VARIADIC x integer[])",
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
        "function s.nf(x s.pair)",
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
        "procedure s.p(IN x integer)",
    ),
    Kind(
        "procedure against function",
        "drop procedure s.p(int); create function s.p(x int) returns void language sql as 'select x'",
        "drop function s.p(int); create procedure s.p(x int) language sql as 'select x'",
        "procedure s.p(IN x integer)",
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
        "aggregate s.os(double precision ORDER BY anyelement)",
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
    Kind(
        "new trigger",
        f"create trigger n after insert on s.t {_RUN}",
        "drop trigger n on s.t",
        "trigger s.t.n",
    ),
    Kind(
        "dropped trigger",
        "drop trigger touched on s.t",
        f"create trigger touched before update on s.t {_RUN}",
        "trigger s.t.touched",
    ),
    Kind(
        "disabled trigger",
        "alter table s.t disable trigger touched",
        "alter table s.t enable trigger touched",
        "trigger s.t.touched",
    ),
    Kind(
        "always enabled trigger",
        "alter table s.t enable always trigger touched",
        "alter table s.t enable trigger touched",
        "trigger s.t.touched",
    ),
    Kind(
        "trigger of replicas",
        "alter table s.t enable replica trigger touched",
        "alter table s.t enable trigger touched",
        "trigger s.t.touched",
    ),
    Kind(
        "renamed trigger",
        "alter trigger touched on s.t rename to touch",
        "alter trigger touch on s.t rename to touched",
        "trigger s.t.touch",
    ),
    Kind(
        "trigger that depends on an extension",
        "alter trigger touched on s.t depends on extension hstore",
        "alter trigger touched on s.t no depends on extension hstore",
        "trigger s.t.touched",
    ),
    Kind(
        "trigger of a view",
        "create trigger n instead of insert on s.v for each row execute function s.touch()",
        "drop trigger n on s.v",
        "trigger s.v.n",
    ),
    Kind(
        "trigger of a partitioned table",
        f"create trigger n after insert on s.part {_RUN}",
        "drop trigger n on s.part",
        "trigger s.part.n",
    ),
    Kind(
        "disabled trigger of one partition",
        "alter table s.trp_1 disable trigger n",
        "alter table s.trp_1 enable trigger n",
        "trigger s.trp_1.n",
        setup=f"create table s.trp (a int) partition by list (a); create table s.trp_1 partition of s.trp default; create trigger n after insert on s.trp {_RUN}",
    ),
    _trigger(
        "condition of a trigger",
        f"after update on TABLE {_RUN}",
        "after update on TABLE for each row when (old.a <> new.a) execute function s.touch()",
    ),
    _trigger("columns of a trigger", f"after update on TABLE {_RUN}", f"after update of a on TABLE {_RUN}"),
    _trigger(
        "arguments of a trigger",
        f"after update on TABLE {_RUN}",
        "after update on TABLE for each row execute function s.touch('x')",
    ),
    _trigger(
        "transition tables",
        "after update on TABLE execute function s.touch()",
        "after update on TABLE referencing old table as o new table as n execute function s.touch()",
    ),
    _trigger(
        "deferred constraint trigger",
        f"after update on TABLE {_RUN}",
        f"after update on TABLE deferrable initially deferred {_RUN}",
        "constraint",
    ),
    _trigger(
        "event of a trigger", f"before insert on TABLE {_RUN}", f"before insert or delete on TABLE {_RUN}"
    ),
    Kind(
        "new event trigger",
        "create event trigger ne on ddl_command_end execute function s.on_ddl()",
        "drop event trigger ne",
        "event trigger ne",
    ),
    Kind(
        "disabled event trigger",
        "alter event trigger watch disable",
        "alter event trigger watch enable",
        "event trigger watch",
    ),
    Kind(
        "event trigger for replicas",
        "alter event trigger watch enable replica",
        "alter event trigger watch enable",
        "event trigger watch",
    ),
    Kind(
        "owner of an event trigger",
        "alter event trigger watch owner to drift_super",
        "alter event trigger watch owner to current_user",
        "event trigger watch",
    ),
    Kind(
        "tags of an event trigger",
        "drop event trigger watch; create event trigger watch on ddl_command_end when tag in ('CREATE TABLE', 'DROP TABLE') execute function s.on_ddl()",
        "drop event trigger watch; create event trigger watch on ddl_command_end when tag in ('CREATE TABLE') execute function s.on_ddl()",
        "event trigger watch",
        setup="create function s.on_ddl() returns event_trigger language plpgsql as 'begin end'; create event trigger watch on ddl_command_end when tag in ('CREATE TABLE') execute function s.on_ddl()",
    ),
    Kind("new policy", "create policy np on s.t using (true)", "drop policy np on s.t", "policy s.t.np"),
    Kind(
        "dropped policy",
        "drop policy own on s.t",
        "create policy own on s.t for select to drift_one using (a > 0)",
        "policy s.t.own",
    ),
    Kind(
        "renamed policy",
        "alter policy own on s.t rename to mine",
        "alter policy mine on s.t rename to own",
        "policy s.t.mine",
    ),
    Kind(
        "using of a policy",
        "alter policy own on s.t using (a > 1)",
        "alter policy own on s.t using (a > 0)",
        "policy s.t.own",
    ),
    Kind(
        "roles of a policy",
        "alter policy own on s.t to drift_one, drift_two",
        "alter policy own on s.t to drift_one",
        "policy s.t.own",
    ),
    Kind(
        "policy for everybody",
        "alter policy own on s.t to public",
        "alter policy own on s.t to drift_one",
        "policy s.t.own",
    ),
    _policy("check of a policy", "using (a > 0)", "using (a > 0) with check (a > 1)"),
    _policy("restrictive policy", "using (true)", "as restrictive using (true)"),
    _policy("command of a policy", "for update using (true)", "for delete using (true)"),
)
