"""Row counts of many tables on a real database, and what is said of their growth."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

from ops import database, errors, growth, settings
from ops.looking import Look
from ops.settings import Expectation

USUAL = """\
create table public.logs (id int);
create table public.chat_history (id int);
create table public.connections (id int);
insert into public.logs select generate_series(1, 3);
insert into public.connections values (1);
"""


def run(dsn: str, *statements: str) -> None:
    with database.connect(dsn) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def looked(
    dsn: str, wanted: settings.Integrity | None = None
) -> tuple[dict[str, int], dict[str, Expectation]]:
    with database.connect(dsn) as connection:
        expected = growth.expectations(connection, wanted or settings.Integrity())
        return growth.count(connection, expected), expected


def test_a_deploy_that_writes_grows_what_it_should(shaped: str):
    run(shaped, USUAL)
    before, expected = looked(shaped)
    assert before == {"public.logs": 3, "public.chat_history": 0, "public.connections": 1}
    still = growth.compare(before, looked(shaped)[0], expected)
    assert [each.table for each in still.tables if not each.ok] == ["public.chat_history", "public.logs"]
    assert still.summary == (
        "Not as expected: public.chat_history went from 0 to 0 rows, expected up; "
        "public.logs went from 3 to 3 rows, expected up."
    )
    run(shaped, "insert into public.logs values (4)", "insert into public.chat_history values (1)")
    grown = growth.compare(before, looked(shaped)[0], expected)
    assert grown.ok
    assert {"table": "public.logs", "before": 3, "after": 4, "expected": "up", "ok": True} in grown.rows
    run(shaped, "delete from public.connections")
    shrunk = growth.compare(before, looked(shaped)[0], expected)
    assert [each.table for each in shrunk.tables if not each.ok] == ["public.connections"]
    run(shaped, "insert into public.connections values (9)")
    assert growth.compare(before, looked(shaped)[0], expected).ok


def test_only_tables_that_are_there_are_expected_to_grow(shaped: str):
    assert looked(shaped) == ({}, {})
    run(
        shaped,
        "create table public.logs (id int)",
        "create schema other; create table other.connections (id int)",
    )
    assert looked(shaped)[1] == {
        "public.logs": Expectation.UP,
        "other.connections": Expectation.NOT_DOWN,
    }


def test_the_configuration_goes_before_what_is_usual(shaped: str):
    run(shaped, USUAL, 'create table public."Odd Ones" (id int)')
    wanted = settings.Integrity.model_validate({"growth": {"public.logs": "any", "Odd Ones": "same"}})
    before, expected = looked(shaped, wanted)
    assert expected == {
        "public.logs": Expectation.ANY,
        "public.chat_history": Expectation.UP,
        "public.connections": Expectation.NOT_DOWN,
        "public.Odd Ones": Expectation.SAME,
    }
    run(shaped, 'insert into public."Odd Ones" values (1)', "insert into public.chat_history values (1)")
    after = growth.compare(before, looked(shaped, wanted)[0], expected)
    assert [each.table for each in after.tables if not each.ok] == ["public.Odd Ones"]


def test_partitions_and_children_are_counted_once(shaped: str):
    run(
        shaped,
        "create table public.logs (id int) partition by range (id)",
        "create table public.logs_low partition of public.logs for values from (0) to (10)",
        "create table public.logs_rest partition of public.logs default",
        "insert into public.logs values (1), (11), (12)",
        "create table public.chat_history (id int)",
        "create table public.old_chat () inherits (public.chat_history)",
        "insert into public.old_chat values (1)",
    )
    assert looked(shaped)[0] == {"public.logs": 3, "public.chat_history": 0}


def test_a_table_that_is_not_there_is_refused_with_the_nearest(shaped: str):
    run(shaped, USUAL)
    with database.connect(shaped) as connection:
        with pytest.raises(errors.Refused, match=r"no table 'log'.*nearest is 'logs'"):
            growth.count(connection, ["logs", "log"])
        with pytest.raises(errors.Refused, match=r"integrity.growth: .*nearest is 'connections'"):
            growth.expectations(connection, settings.Integrity(growth={"connectons": Expectation.UP}))


def test_tables_that_cannot_be_counted_are_named(shaped: str):
    run(
        shaped,
        USUAL,
        "revoke all on public.logs from anon",
        "alter table public.connections enable row level security",
    )
    with database.connect(shaped) as connection:
        connection.execute("set role anon")
        with pytest.raises(errors.Refused, match="2 tables cannot be counted") as caught:
            growth.count(connection, ["logs", "chat_history", "connections"])
    assert "public.logs: anon may not read it" in str(caught.value)
    assert "public.connections: anon may not read it, or row level security would hide" in str(caught.value)
    assert "chat_history" not in str(caught.value)


def test_a_locked_table_is_named_and_not_waited_for(shaped: str):
    run(shaped, USUAL)
    with database.connect(shaped, autocommit=False) as other, database.connect(shaped) as connection:
        other.execute("lock table public.logs")
        with pytest.raises(
            errors.Refused, match=r"1 tables cannot be counted.*public.logs: another session has it"
        ):
            growth.count(connection, ["logs", "connections"], lock_timeout=timedelta(milliseconds=50))


def test_five_hundred_tables_take_few_statements_and_one_moment(shaped: str, monkeypatch: pytest.MonkeyPatch):
    tables = [f"t{number}" for number in range(500)]
    run(
        shaped,
        "".join(f"create table public.{name} as select generate_series(1, {len(name)});" for name in tables),
    )
    asked: list[int] = []
    tried = Look.tried

    def watched(look: Look, query: sql.Composed) -> list[tuple[int, ...]]:
        asked.append(1)
        if len(asked) == 2:
            run(shaped, "insert into public.t499 values (0)")
        return tried(look, query)

    monkeypatch.setattr(Look, "tried", watched)
    with database.connect(shaped) as connection:
        counts = growth.count(connection, tables)
    assert counts == {f"public.{name}": len(name) for name in tables}
    assert len(asked) == 5


def test_a_lost_connection_is_not_a_count(shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch):
    run(shaped, USUAL)
    tried = Look.tried

    def cut_off(look: Look, query: sql.Composed) -> list[tuple[int, ...]]:
        with psycopg.connect(shaped_admin) as other:
            other.execute("select pg_terminate_backend(%s, 5000)", (look.connection.info.backend_pid,))
        return tried(look, query)

    monkeypatch.setattr(Look, "tried", cut_off)
    with database.connect(shaped) as connection, pytest.raises(errors.Unavailable):
        growth.count(connection, ["logs"])
