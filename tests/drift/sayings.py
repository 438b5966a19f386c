"""Changes to what is said of objects: comments and security labels."""

# ruff: noqa: E501 - a change is a line of SQL

from tests.drift.kind import Kind


def _comment(what: str, sees: str = "", *, setup: str = "", subscription: str = "") -> Kind:
    return Kind(
        f"comment on {what}",
        f"comment on {what} is 'said'",
        f"comment on {what} is null",
        f"comment {sees or what}",
        setup=setup,
        subscription=subscription,
    )


KINDS = (
    _comment("schema s"),
    _comment("table s.t"),
    _comment("column s.t.a", "table column s.t.a"),
    _comment("view s.v"),
    _comment("column s.v.a", "view column s.v.a"),
    _comment("materialized view s.m"),
    _comment("index s.t_a"),
    _comment("sequence s.q"),
    _comment("function s.f(int)", "function s.f(integer)"),
    _comment("procedure s.p(int)", "procedure s.p(integer)"),
    _comment(
        "aggregate s.cag(int)",
        "aggregate s.cag(integer)",
        setup="create aggregate s.cag(int) (sfunc = int4pl, stype = int)",
    ),
    _comment("trigger touched on s.t"),
    _comment("policy own on s.t"),
    _comment("rule noted on s.log"),
    _comment("constraint t_pkey on s.t", "table constraint t_pkey on s.t"),
    _comment(
        "constraint k on domain s.cd",
        "domain constraint k on s.cd",
        setup="create domain s.cd as int constraint k check (value > 0)",
    ),
    _comment("type s.mood"),
    _comment("type s.pair"),
    _comment("column s.pair.x", "composite type column s.pair.x"),
    _comment("domain s.word", "type s.word"),
    _comment("statistics s.cst", "statistics object s.cst", setup="create statistics s.cst on c, d from s.t"),
    Kind(
        "comment on an extension",
        "comment on extension hstore is 'said'",
        "comment on extension hstore is 'data type for storing sets of (key, value) pairs'",
        "comment extension hstore",
    ),
    _comment("language clang", setup="create language clang handler plpgsql_call_handler"),
    _comment(
        "event trigger cev",
        setup="create function s.cev() returns event_trigger language plpgsql as 'begin end'; create event trigger cev on sql_drop execute function s.cev()",
    ),
    _comment("publication cpub", setup="create publication cpub"),
    _comment(
        "subscription csub",
        subscription="csub",
    ),
    _comment("foreign data wrapper cfw", "foreign-data wrapper cfw", setup="create foreign data wrapper cfw"),
    _comment(
        "server cfs", setup="create foreign data wrapper cfw2; create server cfs foreign data wrapper cfw2"
    ),
    _comment(
        "foreign table s.cft",
        setup="create foreign data wrapper cfw3; create server cfs3 foreign data wrapper cfw3; create foreign table s.cft (a int) server cfs3",
    ),
    _comment(
        "operator s.=== (int, int)",
        "operator s.===(integer,integer)",
        setup="create operator s.=== (leftarg = int, rightarg = int, function = int4eq)",
    ),
    _comment(
        "cast (s.pair as text)",
        "cast (s.pair AS pg_catalog.text)",
        setup="create cast (s.pair as text) with inout",
    ),
    _comment(
        "operator class s.coc using hash",
        "operator class s.coc USING hash",
        setup="create operator class s.coc for type s.mood using hash as function 1 hashenum(anyenum)",
    ),
    _comment(
        "operator family s.cof using btree",
        "operator family s.cof USING btree",
        setup="create operator family s.cof using btree",
    ),
    _comment(
        "conversion s.ccv", setup="create conversion s.ccv for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8"
    ),
    _comment(
        "text search parser s.cpa",
        setup="create text search parser s.cpa (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype)",
    ),
    _comment(
        "text search template s.cte", setup="create text search template s.cte (lexize = dsimple_lexize)"
    ),
    _comment("collation s.ccol", setup='create collation s.ccol from "C"'),
    _comment("access method cam", setup="create access method cam type table handler heap_tableam_handler"),
    _comment(
        "text search configuration s.ctc", setup="create text search configuration s.ctc (copy = simple)"
    ),
    _comment("text search dictionary s.ctd", setup="create text search dictionary s.ctd (template = simple)"),
    Kind(
        "security label",
        "insert into pg_seclabel values ('s.t'::regclass, 'pg_class'::regclass, 0, 'guard', 'secret')",
        "delete from pg_seclabel",
        "security label guard on table s.t",
    ),
    Kind(
        "security label of a column",
        "insert into pg_seclabel values ('s.t'::regclass, 'pg_class'::regclass, 2, 'guard', 'secret')",
        "delete from pg_seclabel",
        "security label guard on table column s.t.a",
    ),
    Kind(
        "security label of a function",
        "insert into pg_seclabel values ('s.f'::regproc, 'pg_proc'::regclass, 0, 'guard', 'secret')",
        "delete from pg_seclabel",
        "security label guard on function s.f(integer)",
    ),
)
