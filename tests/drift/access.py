"""Changes to schemas and to who may do what: grants and default privileges."""

# ruff: noqa: E501 - a change is a line of SQL

from tests.drift.kind import Kind


def _grant(name: str, what: str, sees: str, *, setup: str = "", dumped: bool = True) -> Kind:
    privilege, _, rest = what.partition(" on ")
    return Kind(
        name,
        f"grant {what} to drift_one",
        f"revoke {privilege} on {rest} from drift_one",
        f"grant {sees} to drift_one",
        setup=setup,
        dumped=dumped,
    )


def _default(name: str, what: str, sees: str) -> Kind:
    head, _, rest = what.partition(" grant ")
    return Kind(
        name,
        f"alter default privileges {head} grant {rest} to drift_one",
        f"alter default privileges {head} revoke {rest} from drift_one",
        f"default privileges {sees} to drift_one",
    )


KINDS = (
    Kind("new schema", "create schema ns", "drop schema ns", "schema ns"),
    Kind(
        "owner of a schema",
        "alter schema other owner to drift_one",
        "alter schema other owner to current_user",
        "schema other",
    ),
    Kind(
        "renamed schema",
        "alter schema other rename to others",
        "alter schema others rename to other",
        "schema others",
    ),
    Kind(
        "renamed schema with objects",
        "alter schema s rename to ss",
        "alter schema ss rename to s",
        "table ss.t",
    ),
    _grant("grant on a table", "select on s.t", "table s.t"),
    _grant("grant on a view", "select on s.v", "view s.v"),
    _grant("grant on a materialized view", "select on s.m", "materialized view s.m"),
    _grant("grant on a column", "select (a) on s.t", "table column s.t.a"),
    _grant("grant on a column of the system", "select (tableoid) on s.t", "table column s.t.tableoid"),
    _grant("grant on a function", "execute on function s.f(int)", "function s.f(integer)"),
    _grant("grant on a procedure", "execute on procedure s.p(int)", "procedure s.p(integer)"),
    _grant("grant on a schema", "usage on schema s", "schema s"),
    _grant("grant on a sequence", "usage on sequence s.q", "sequence s.q"),
    _grant("grant on a type", "usage on type s.mood", "type s.mood"),
    _grant("grant on a composite type", "usage on type s.pair", "type s.pair"),
    _grant("grant on a domain", "usage on domain s.word", "type s.word"),
    _grant("grant on a language", "usage on language plpgsql", "language plpgsql"),
    _grant(
        "grant on a wrapper",
        "usage on foreign data wrapper fw",
        "foreign-data wrapper fw",
        setup="create foreign data wrapper fw",
    ),
    _grant(
        "grant on a server",
        "usage on foreign server fs",
        "server fs",
        setup="create foreign data wrapper fw2; create server fs foreign data wrapper fw2",
    ),
    _grant(
        "grant on an extension's function",
        "execute on function akeys(hstore)",
        "function public.akeys(public.hstore)",
    ),
    _grant(
        "grant on a system function",
        "execute on function pg_catalog.pg_sleep(float8)",
        "function pg_sleep(double precision)",
    ),
    _grant(
        "grant on a system function with privileges",
        "execute on function pg_catalog.pg_read_file(text)",
        "function pg_read_file(text)",
    ),
    _grant("grant on a system view", "select on pg_catalog.pg_authid", "table pg_catalog.pg_authid"),
    _grant("grant on a system type", "usage on type pg_catalog.int4", "type integer"),
    _grant(
        "grant on a system column",
        "select (rolpassword) on pg_catalog.pg_authid",
        "table column pg_catalog.pg_authid.rolpassword",
    ),
    _grant("grant on a system language", "usage on language sql", "language sql", dumped=False),
    _grant(
        "grant on a system schema",
        "create on schema information_schema",
        "schema information_schema",
        dumped=False,
    ),
    _grant("grant on an extension's type", "usage on type hstore", "type public.hstore"),
    _grant("grant on the public schema", "create on schema public", "schema public"),
    Kind(
        "grant to everybody",
        "grant select on s.t to public",
        "revoke select on s.t from public",
        "grant table s.t to public",
    ),
    Kind(
        "revoked from everybody",
        "revoke execute on function s.f(int) from public",
        "grant execute on function s.f(int) to public",
        "grant function s.f(integer) to public",
    ),
    Kind(
        "revoked from everybody on a system function",
        "revoke execute on function pg_catalog.pg_sleep(float8) from public",
        "grant execute on function pg_catalog.pg_sleep(float8) to public",
        "grant function pg_sleep(double precision) to public",
    ),
    Kind(
        "revoked on an extension's function",
        "revoke execute on function avals(hstore) from public",
        "grant execute on function avals(hstore) to public",
        "grant function public.avals(public.hstore) to public",
    ),
    Kind(
        "usage of the public schema",
        "revoke usage on schema public from public",
        "grant usage on schema public to public",
        "grant schema public to public",
    ),
    Kind(
        "grant option",
        "grant select on s.child to drift_one with grant option",
        "revoke select on s.child from drift_one",
        "grant table s.child to drift_one",
    ),
    Kind(
        "grantor",
        "set role drift_one; grant select on gs.granted to drift_two; reset role",
        "set role drift_one; revoke select on gs.granted from drift_two; reset role",
        "grant table gs.granted to drift_two",
        setup="create schema gs; grant usage on schema gs to drift_one; create table gs.granted (id int); grant select on gs.granted to drift_one with grant option",
    ),
    Kind(
        "revoked from the owner",
        "revoke insert on s.child from current_user",
        "grant insert on s.child to current_user",
        "grant table s.child to DRIFT_OWNER",
    ),
    _default(
        "default privileges of tables", "in schema s grant select on tables", "tables of DRIFT_OWNER in s"
    ),
    _default(
        "default privileges of sequences",
        "in schema s grant usage on sequences",
        "sequences of DRIFT_OWNER in s",
    ),
    _default(
        "default privileges of functions",
        "in schema s grant execute on functions",
        "functions of DRIFT_OWNER in s",
    ),
    _default("default privileges of types", "in schema s grant usage on types", "types of DRIFT_OWNER in s"),
    _default(
        "default privileges of schemas",
        "for role current_user grant usage on schemas",
        "schemas of DRIFT_OWNER",
    ),
    _default(
        "default privileges everywhere", "for role drift_two grant select on tables", "tables of drift_two"
    ),
    Kind(
        "default privileges taken from everybody",
        "alter default privileges revoke execute on functions from public",
        "alter default privileges grant execute on functions to public",
        "default privileges functions of DRIFT_OWNER to public",
    ),
)
