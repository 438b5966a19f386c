"""The release gates on a real Postgres: the runbook's queries, every kind of expectation, what may not be asked."""

from __future__ import annotations

import tomllib
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import database, embedded, errors, release_gates
from ops.release_gates import ReleaseGates
from ops.release_settings import ReleaseGate
from tests import fix_postgres

PHASE_2 = """\
create table public.ai_provider_configs (
    provider text, environment text, enabled boolean, is_default boolean, weight int,
    primary key (provider, environment)
);
create unique index ai_provider_configs_one_default on public.ai_provider_configs (environment) where is_default;
create table public.ai_eval_runs (id bigint primary key);
create table public.ai_eval_samples (id bigint primary key, run_id bigint references public.ai_eval_runs);
create view public.ai_eval_run_summary_v1 as select id as run_id from public.ai_eval_runs;
insert into public.ai_provider_configs values
    ('openai', 'prod', true, true, 100), ('other', 'prod', true, false, 0), ('openai', 'staging', false, false, 0);
"""
GATES = """\
[[gates]]
name = "exactly one default in prod, and nothing else enabled"
environments = ["single-db"]
equals = { prod_default_count = 1, non_prod_enabled_count = 0 }
query = '''
select
  count(*) filter (where environment = 'prod' and is_default = true) as prod_default_count,
  count(*) filter (where environment <> 'prod' and enabled = true) as non_prod_enabled_count
from public.ai_provider_configs;
'''

[[gates]]
name = "one default per environment"
environments = ["staging"]
equals = 1
query = '''
select
  count(*) as default_count
from public.ai_provider_configs
where environment = 'staging'
  and is_default = true;
'''

[[gates]]
name = "the eval tables and their view are there"
not_null = true
query = '''
select
  to_regclass('public.ai_eval_runs') as ai_eval_runs,
  to_regclass('public.ai_eval_samples') as ai_eval_samples,
  to_regclass('public.ai_eval_run_summary_v1') as ai_eval_run_summary_v1;
'''

[[gates]]
name = "the expected indexes"
contains = ["ai_provider_configs_one_default", "ai_provider_configs_pkey"]
query = '''
select
  indexname
from pg_indexes
where schemaname = 'public'
  and tablename in ('ai_training_examples', 'ai_provider_configs', 'ai_eval_samples')
order by tablename, indexname;
'''
"""
RUNBOOK = [ReleaseGate.model_validate(each) for each in tomllib.loads(GATES)["gates"]]
BREAKS = {
    "update public.ai_provider_configs set is_default = false": (
        "exactly one default in prod, and nothing else enabled",
        "update public.ai_provider_configs set is_default = true where (provider, environment) = ('openai', 'prod')",
        "prod_default_count = 0, non_prod_enabled_count = 0",
    ),
    "update public.ai_provider_configs set enabled = true where environment = 'staging'": (
        "exactly one default in prod, and nothing else enabled",
        "update public.ai_provider_configs set enabled = false where environment = 'staging'",
        "non_prod_enabled_count = 1",
    ),
    "drop view public.ai_eval_run_summary_v1": (
        "the eval tables and their view are there",
        "create view public.ai_eval_run_summary_v1 as select id as run_id from public.ai_eval_runs",
        "ai_eval_run_summary_v1 is null",
    ),
    "drop index public.ai_provider_configs_one_default": (
        "the expected indexes",
        "create index ai_provider_configs_one_default on public.ai_provider_configs (environment)",
        "without ai_provider_configs_one_default",
    ),
}


@pytest.fixture
def connection(shaped: str) -> Generator[database.Connection]:
    with database.connect(shaped) as connection:
        yield connection


@pytest.fixture(scope="module")
def still(server: embedded.Server) -> Generator[database.Connection]:
    """For tests that only read: a database costs more than a question."""
    with fix_postgres.fresh_database(server) as name, database.connect(server.dsn(name)) as connection:
        yield connection


def asked(
    connection: database.Connection, *gates: ReleaseGate, root: Path = Path(), where: str = "production"
) -> ReleaseGates:
    return release_gates.ask(connection, gates, environment=where, root=root)


def one(connection: database.Connection, query: str, **said: Any) -> dict[str, Any]:
    """Ask one gate and return its row."""
    (row,) = asked(connection, ReleaseGate(name="a gate", query=query, **said)).rows
    return row


@pytest.fixture
def phase2(connection: database.Connection) -> database.Connection:
    connection.execute(PHASE_2.encode())
    return connection


@pytest.mark.parametrize("broken", BREAKS)
def test_the_runbooks_gates_hold_break_and_hold_again(phase2: database.Connection, broken: str):
    gate, mend, found = BREAKS[broken]
    whole = asked(phase2, *RUNBOOK, where="single-db")
    assert (whole.ok, whole.summary) == (True, "3 release gates hold on single-db.")
    assert (whole.asked, whole.elsewhere) == (3, ("one default per environment",))
    phase2.execute(broken.encode())
    seen = asked(phase2, *RUNBOOK, where="single-db")
    assert (seen.ok, seen.wrong) == (False, (gate,))
    assert found in next(row["found"] for row in seen.rows if not row["ok"])
    assert gate in seen.summary
    phase2.execute(mend.encode())
    assert asked(phase2, *RUNBOOK, where="single-db").ok


def test_a_gate_is_asked_where_it_belongs(phase2: database.Connection):
    seen = asked(phase2, *RUNBOOK, where="staging")
    assert seen.wrong == ("one default per environment",)
    assert "expected 1; found default_count = 0" in seen.summary
    none = asked(phase2, RUNBOOK[0], where="staging")
    assert (none.ok, none.idle, none.asked) == (True, True, 0)
    assert "no query proves" in none.summary


SAME: list[tuple[str, Any]] = [
    ("1::bigint", 1),
    ("1::numeric", 1),
    ("1.50::numeric", 1.5),
    ("0.1::numeric", 0.1),
    ("0.1::real", 0.1),
    ("'NaN'::float8", float("nan")),
    ("12345678901234567890.5::numeric", "12345678901234567890.5"),
    ("true", True),
    ("'a text'::varchar", "a text"),
    ("'m'::\"char\"", "m"),
    ("timestamptz '2026-01-02 03:04:05+02'", tomllib.loads("t = 2026-01-02T01:04:05Z")["t"]),
    ("timestamptz '2026-01-02 03:04:05+02'", "2026-01-02T01:04:05Z"),
    ("timestamp '2026-01-02 03:04:05'", tomllib.loads("t = 2026-01-02T03:04:05")["t"]),
    ("date '2026-01-02'", tomllib.loads("t = 2026-01-02")["t"]),
    ("time '03:04'", tomllib.loads("t = 03:04:00")["t"]),
    ("array[1, 2]", [1, 2]),
    ("array['a', 'b']", ["a", "b"]),
    ("""'{"a": [1, {"b": "c"}], "n": 2.0}'::jsonb""", {"a": [1, {"b": "c"}], "n": 2}),
    ("'[1, 2]'::json", [1, 2]),
    ("'00000000-0000-4000-8000-00000000000A'::uuid", "00000000-0000-4000-8000-00000000000a"),
    ("'\\x00ff'::bytea", "\\x00ff"),
    ("interval '90 minutes'", "PT1H30M"),
    ("'10.0.0.1'::inet", "10.0.0.1"),
    ("'public'::regnamespace", "public"),
]


@pytest.mark.parametrize(("value", "expected"), SAME)
def test_a_value_of_toml_stands_for_one_of_postgres(still: database.Connection, value: str, expected: Any):
    row = one(still, f"select {value} as value", equals=expected)
    assert row["ok"], row
    other = {"equals": [*expected, 3]} if isinstance(expected, list) else {"equals": "another"}
    assert not one(still, f"select {value} as value", **other)["ok"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", True),
        ("true", 1),
        ("true", "true"),
        ("'1'::text", 1),
        ("null", "null"),
        ("null::int", 0),
        ("null::text", ""),
        ("''::text", " "),
        ("2::bigint", 1),
        ("9007199254740993::bigint", 9007199254740992),
        ("timestamptz '2026-01-02 03:04:05+02'", tomllib.loads("t = 2026-01-02T03:04:05")["t"]),
        ("date '2026-01-02'", tomllib.loads("t = 2026-01-02T00:00:00")["t"]),
        ("array[1, 2]", [2, 1]),
        ("""'{"a": 1, "b": 2}'::jsonb""", {"a": 1}),
        ("array[null::int]", [0]),
    ],
)
def test_what_only_looks_alike_is_not_the_same(still: database.Connection, value: str, expected: Any):
    row = one(still, f"select {value} as value", equals=expected)
    assert not row["ok"], row
    assert row["found"].startswith("value = ") or "no column" in row["found"]


THREE = "select * from (values (1, 'a'), (2, 'b'), (3, 'c')) as t (n, s)"


@pytest.mark.parametrize(
    ("query", "said", "ok"),
    [
        (THREE, {"equals": [{"n": 1}, {"n": 2}, {"n": 3, "s": "c"}]}, True),
        (THREE, {"equals": [[1, "a"], [2, "b"], [3, "c"]]}, True),
        (THREE, {"equals": [{"n": 1}, {"n": 2}]}, False),
        (THREE, {"equals": [{"n": 2}, {"n": 1}, {"n": 3}]}, False),
        (THREE, {"equals": 1}, False),
        (THREE, {"equals": {"n": 1}}, False),
        ("select s from (values ('a'), ('b')) as t (s)", {"equals": ["a", "b"]}, True),
        ("select 1 as n, 2 as n", {"equals": {"n": 2}}, False),
        ("select 1 as n", {"equals": {"m": 1}}, False),
        ("select 1 as n, 2 as m", {"equals": 1}, False),
        (f"{THREE} where false", {"equals": 0}, False),
        (f"{THREE} where false", {"equals": {"n": 1}}, False),
        (f"{THREE} where false", {"not_null": True}, False),
        (f"{THREE} where false", {"contains": ["a"]}, False),
        (f"{THREE} where false", {"empty": True}, True),
        (THREE, {"empty": True}, False),
        (THREE, {"contains": ["3", "1"]}, True),
        (THREE, {"contains": ["4"]}, False),
        (f"{THREE} union all select 4, null", {"not_null": True}, False),
        ("select", {"not_null": True}, False),
        ("select 1 as n", {"not_null": True, "equals": 2}, False),
        ("select 100 % 30 as n, '%s' as s", {"equals": {"n": 10, "s": "%s"}}, True),
        ("select generate_series(1, 20000)", {"contains": ["7"]}, False),
    ],
)
def test_rows_are_judged(still: database.Connection, query: str, said: dict[str, Any], ok: bool):
    row = one(still, query, **said)
    assert row["ok"] is ok, row
    assert row["expected"]


WRITES = "with gone as (delete from public.kept returning *) select count(*) from gone"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (WRITES, "it writes, and may only read"),
        ("select setval('public.counted', 9)", "it writes"),
        ("select public.emptied()", "it writes"),
        ("select set_config('transaction_read_only', 'off', true)", "cannot set transaction read-write mode"),
        ("select 0; delete from public.kept", "holds 2 statements"),
        ("commit; delete from public.kept; select 0", "holds 3 statements"),
        ("delete from public.kept", "is no query but a DELETE"),
        ("commit", "is no query but a TRANSACTION"),
        ("-- nothing", "holds 0 statements"),
        ("select 0 \\; delete from public.kept", "commands of psql"),
        ("select 0\0; delete from public.kept", "NUL"),
        ("select nonsense from", "42601"),
        ("select * from public.nowhere", "42P01"),
        ("select timestamptz 'infinity'", "cannot be read"),
        ("select pg_sleep(60)", "took longer than it may"),
    ],
)
def test_what_may_not_be_asked_is_wrong_changes_nothing_and_hides_no_other(
    connection: database.Connection, query: str, found: str
):
    connection.execute(
        b"create table public.kept as select 1 as n; create sequence public.counted;"
        b"create function public.emptied() returns bigint language plpgsql as"
        b" 'begin delete from public.kept; return 0; end'"
    )
    gates = [
        ReleaseGate(name="bad", query=query, equals=0),
        ReleaseGate(name="good", query="select count(*), 7 as seven from public.kept", equals={"count": 1}),
    ]
    seen = release_gates.ask(
        connection, gates, environment="x", root=Path(), timeout=timedelta(milliseconds=500)
    )
    assert [row["ok"] for row in seen.rows] == [False, True], seen
    assert found in seen.rows[0]["found"]
    assert connection.execute("select count(*) from public.kept").fetchall() == [(1,)]
    assert connection.execute("show transaction_read_only").fetchall() == [("off",)]


def test_a_lost_connection_is_no_answer(connection: database.Connection, shaped_admin: str):
    pid = connection.info.backend_pid
    with psycopg.connect(shaped_admin, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(errors.Unavailable):
        asked(connection, *RUNBOOK)


def test_an_answer_is_bounded_and_has_no_secret(still: database.Connection):
    row = one(still, "select repeat('x', 5000) as long", empty=True)
    assert len(row["found"]) == 300
    dsn = "postgresql://app:hunter2hunter2@db.example.org/app"
    assert "hunter2hunter2" not in str(one(still, f"select '{dsn}' as dsn", empty=True))


def test_a_query_in_a_file(still: database.Connection, tmp_path: Path):
    gate = ReleaseGate(name="of a file", file="gates/one.sql", equals=1)
    missing = asked(still, gate, root=tmp_path)
    assert (missing.ok, "There is no file gates/one.sql" in missing.summary) == (False, True)
    path = tmp_path / "gates" / "one.sql"
    path.parent.mkdir()
    path.write_text("\ufeff-- one;\nselect 1 as n; -- the end;\n")
    assert asked(still, gate, root=tmp_path).ok
    path.write_text("select 1 as n; select 2;\n")
    assert "gates/one.sql holds 2 statements" in asked(still, gate, root=tmp_path).summary
    path.unlink()
    (tmp_path.parent / "outside.sql").write_text("select 1")
    path.symlink_to(tmp_path.parent / "outside.sql")
    assert "outside the project" in asked(still, gate, root=tmp_path).summary
