"""An integrity check is in nobody's way, says what it could not see, and takes no name that is not there."""

from __future__ import annotations

import json
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from psycopg import sql

from ops import database, duplicates, embedded, errors, integrity, looking, nulls, settings
from ops.app_tables import Tables
from ops.looking import Look
from tests import polling
from tests.sound import Site

SOON = timedelta(milliseconds=50)
NOTHING = settings.Integrity()


@pytest.fixture
def site(server: embedded.Server, shaped_name: str) -> Site:
    """A database with rows in which nothing is wrong."""
    return Site.healthy(server, shaped_name)


@contextmanager
def other_session(site: Site, *statements: str) -> Generator[database.Connection]:
    """A superuser's transaction that stays open."""
    with database.connect(site.admin, autocommit=False) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        yield connection


def checked(
    site: Site, *before: str, wanted: settings.Integrity = NOTHING, **times: Any
) -> integrity.Integrity:
    with database.connect(site.dsn) as connection:
        for statement in before:
            connection.execute(statement.encode())
        return integrity.check(connection, wanted, **times)


def unseen(found: integrity.Integrity) -> dict[str, str]:
    assert not found.ok
    return {f"{each.question} {each.object}": each.reason for each in found.unseen}


def count(table: str) -> sql.Composed:
    return sql.SQL("select count(*) from {}").format(sql.Identifier("public", table))


def test_writers_and_changes_of_tables_do_not_wait_for_it(site: Site):
    with database.connect(site.dsn) as connection, looking.at(connection) as look:
        Tables.read(connection)
        assert look.ask("count", "logs", count("logs")) == [(5,)]
        site.run(
            "set lock_timeout = '5s'; insert into public.logs (message) values ('x'); truncate public.tickets"
        )
        site.run(
            "set lock_timeout = '5s'; alter table public.logs add column more int; drop table public.tickets"
        )


def test_all_questions_are_asked_of_one_moment(site: Site):
    with database.connect(site.dsn) as connection, looking.at(connection) as look:
        site.run("insert into public.logs (message) values ('x')")
        assert look.ask("count", "logs", count("logs")) == [(5,)]
    assert checked(site).ok


def test_it_writes_nothing(site: Site):
    with database.connect(site.dsn) as connection, looking.at(connection) as look:
        writing = sql.SQL("delete from public.tickets returning {}").format(sql.Identifier("title"))
        assert look.ask("deletion", "tickets", writing) is None
    assert [each.reason for each in look.unseen] == ["the server said 25006."]


def test_it_does_not_wait_for_writers(site: Site):
    with other_session(
        site, "insert into public.chat_history (log, content) select 1, 'said 1' from generate_series(1, 9)"
    ):
        assert checked(site, lock_timeout=SOON).ok


def test_a_table_that_another_session_has_locked_is_not_seen(site: Site):
    with other_session(site, "lock table public.chat_history in access exclusive mode"):
        found = unseen(checked(site, lock_timeout=SOON))
    assert "another session has it locked" in found["duplicates public.chat_history"]
    assert "another session has it locked" in found["orphans public.chat_history: chat_history_log_fkey"]
    assert "orphans public.readings: readings_log_fkey" not in found
    assert checked(site, lock_timeout=SOON).ok


def test_a_question_that_takes_too_long_is_not_answered(site: Site):
    with other_session(site, "lock table public.chat_history in access exclusive mode"):
        found = unseen(checked(site, statement_timeout=SOON))
    assert "stopped after its time (0.05 s)" in found["duplicates public.chat_history"]
    assert "future public.logs" not in found


def test_an_index_that_is_being_built_is_not_taken_for_a_broken_build(site: Site):
    progress = "select count(*) from pg_stat_progress_create_index where index_relid <> 0"
    with ThreadPoolExecutor() as pool, other_session(site, "insert into public.logs default values"):
        building = pool.submit(site.run, "create index concurrently by_message on public.logs (message)")
        with database.connect(site.admin) as connection:
            polling.wait_until(lambda: connection.execute(progress).fetchall() == [(1,)])
        (finding,) = checked(site).findings
        assert (finding.kind, finding.object) == ("index", "public.by_message")
        assert "is being built by a session right now" in finding.why
        assert "Wait until it is done" in finding.remedy
    building.result()
    assert checked(site).ok


def test_what_a_role_may_not_read_is_said(site: Site):
    site.run(
        "revoke all on public.chat_history from anon; revoke all on all sequences in schema public from anon"
    )
    found = checked(site, "set role anon")
    reasons = unseen(found)
    assert reasons["duplicates public.chat_history"].startswith(
        "anon may not read it, or row level security would hide rows from it (permission denied for table chat_history)"
    )
    assert "sequences public.logs_id_seq of public.logs.id" in reasons
    assert 'orphans Odd Rooms.Chat "Big" Room: Chat "Big" Room_{x}_fkey' in reasons
    assert found.findings == ()
    assert "questions have no answer" in found.summary
    assert {"kind": "not seen", "object": "duplicates: public.chat_history"}.items() <= found.rows[0].items()


def test_rows_that_row_level_security_hides_are_not_taken_for_none(site: Site):
    site.run("insert into public.chat_history (role) values ('u'), ('u')")
    assert [each.object for each in checked(site).findings] == ["public.chat_history"]
    site.run("alter table public.chat_history enable row level security")
    assert "row-level security" in unseen(checked(site, "set role anon"))["duplicates public.chat_history"]


def test_a_table_that_vanishes_meanwhile_is_said(site: Site, monkeypatch: pytest.MonkeyPatch):
    counting = duplicates.look

    def dropping(look: Look, same: duplicates.Same) -> Any:
        site.run("drop table public.connections cascade; alter table public.logs rename at to since")
        return counting(look, same)

    monkeypatch.setattr(duplicates, "look", dropping)
    reasons = unseen(checked(site))
    assert "dropped or renamed meanwhile" in reasons["future public.connections"]
    assert "a column was dropped or renamed meanwhile" in reasons["future public.logs"]
    monkeypatch.undo()
    assert checked(site).ok


def test_a_lost_connection_is_not_a_finding(site: Site):
    with database.connect(site.dsn) as connection:
        pid = connection.info.backend_pid
        with pytest.raises(errors.Unavailable), looking.at(connection) as look:  # noqa: PT012
            site.run(f"select pg_terminate_backend({pid}, 5000)")
            look.ask("count", "logs", count("logs"))


def test_a_value_that_a_constraint_trips_over_is_not_told(site: Site):
    site.run(
        "insert into public.tickets values (1, 'hush');"
        "alter table public.tickets add constraint odd check (title::int > 0) not valid"
    )
    found = checked(site)
    assert unseen(found) == {"constraints public.tickets: odd": "the server said 22P02."}
    assert "hush" not in json.dumps(found.report())


def test_rows_are_named_by_their_keys_alone(site: Site):
    site.run("insert into public.chat_history (role, content) values ('hush', 'hush'), ('hush', 'hush')")
    site.run(
        "set session_replication_role = replica; update public.chat_history set log = 424242 where id = 6"
    )
    assert len(checked(site).findings) == 1
    text = json.dumps(checked(site).model_dump(mode="json"))
    assert "hush" not in text
    assert "424242" not in text


def test_what_newer_servers_know_is_looked_at(site: Site):
    site.run(
        "create extension btree_gist;"
        "create table public.stays (room int, during daterange, primary key (room, during without overlaps));"
        "create table public.guests (id int primary key, room int, during daterange,"
        " constraint housed foreign key (room, period during) references public.stays not enforced);"
        "insert into public.stays values (1, '[2024-01-01,2024-02-01)'), (1, '[2024-02-01,2024-03-01)');"
        "insert into public.guests values (1, 1, '[2024-01-15,2024-02-15)'), (2, 1, '[2024-02-15,2024-03-15)'), "
        " (3, 2, null);"
    )
    found = checked(site)
    assert [(each.kind, each.object, each.examples) for each in found.findings] == [
        ("orphans", "public.guests: housed", ({"id": 2},))
    ]
    site.run("update public.guests set room = null where id = 2")
    assert checked(site).ok
    site.run("alter table public.guests add constraint named not null room not valid")
    assert [(each.object, each.count) for each in checked(site).findings] == [("public.guests: named", 1)]


def test_a_row_that_names_half_a_key_is_an_orphan_where_the_whole_is_asked_for(site: Site):
    site.run(
        "create table public.halves (id int primary key, one bigint, other bigint,"
        " foreign key (one, other) references public.connections match full);"
        "set session_replication_role = replica;"
        "insert into public.halves values (1, 1, 2), (2, null, null), (3, 1, null)"
    )
    assert [(each.kind, each.examples) for each in checked(site).findings] == [("orphans", ({"id": 3},))]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (
            {"keys": {"chat_histroy": ["role"]}},
            r"keys.chat_histroy: there is no table .*nearest is 'chat_history'",
        ),
        ({"keys": {"Logs": ["message"]}}, r"nearest is 'logs'"),
        (
            {"keys": {"logs": ["mesage"]}},
            r"keys.logs: public.logs has no column 'mesage'.*nearest is 'message'",
        ),
        ({"required": {"public.log": ["id"]}}, r"required.public.log: .*nearest is 'public.logs'"),
        ({"required": {"logs": ["ID"]}}, r"required.logs: .*nearest is 'id'"),
        (
            {"relations": [{"table": "log", "columns": ["id"], "to": "logs"}]},
            r"relations \(number 1\): .*'logs'",
        ),
        (
            {"relations": [{"table": "logs", "columns": ["id"], "to": "connections"}]},
            r"\(one, other\).*to_columns",
        ),
        (
            {"relations": [{"table": "logs", "columns": ["id"], "to": "tickets"}]},
            r"no primary key.*to_columns",
        ),
        ({"future_allowed": ["logs.att"]}, r"future_allowed: .*'logs.att'.*nearest is 'logs.at'"),
        ({"growth": {"connection": "up"}}, r"growth: .*nearest is 'connections'"),
        ({"keys": {"users": ["id"]}}, r"'users' can be auth.users, \"?.*Name the schema as well"),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_the_nearest(site: Site, wanted: dict[str, Any], says: str):
    site.run("create schema inner_rooms; create table inner_rooms.users (id int)")
    with pytest.raises(errors.Refused, match=says):
        site.look(**wanted)


def test_columns_of_deadlines_may_lie_ahead_and_others_where_it_is_said(site: Site):
    site.run(
        "update public.logs set at = '2999-01-01'; update public.connections set expires_at = '2999-01-01'"
    )
    assert [each.object for each in site.look().findings] == ["public.logs.at"]
    for allowed in ("at", "logs.at", "public.logs.at", "log*.a*"):
        assert site.look(future_allowed=[allowed]).ok
    assert site.look(future_tolerance=timedelta(days=365_000)).ok


def test_what_is_left_out_is_not_looked_at(site: Site):
    site.run("insert into public.chat_history (role) values ('u'), ('u')")
    site.run("update public.logs set at = '2999-01-01'")
    assert not site.look(leave_out=["logs"]).ok
    found = site.look(leave_out=["logs", "public.chat_*"])
    assert (found.ok, found.looked_at["tables"]) == (True, site.look().looked_at["tables"] - 2)


def test_the_report_says_what_was_looked_at(site: Site):
    report = checked(site).report()
    assert json.loads(json.dumps(report)) == report
    assert report["ok"] is True
    assert report["role"] == "postgres"
    assert report["findings"] == report["unseen"] == []
    assert report["duplicates"][0]["columns"] == ["log", "role", "content", "meta"]
    assert report["looked_at"] == {
        "tables": 8,
        "tables for duplicates": 1,
        "foreign keys": 6,
        "declared relations": 0,
        "required columns": 0,
        "columns with times": 4,
        "sequences": 4,
    }


def test_a_sequence_at_its_end_is_not_an_error_of_the_question(site: Site):
    site.run("select setval('public.logs_id_seq', 9223372036854775807)")
    found = checked(site)
    assert found.unseen == ()
    assert [(each.object, each.count) for each in found.findings] == [
        ("public.logs_id_seq of public.logs.id", 0)
    ]
    assert "set it back" in found.findings[0].remedy


def test_required_columns_of_many_tables_are_asked_once_each(site: Site, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    ask = Look.ask

    def counting(look: Look, question: str, about: str, query: sql.Composed) -> Any:
        asked.append(f"{question} {about}")
        return ask(look, question, about, query)

    monkeypatch.setattr(Look, "ask", counting)
    with database.connect(site.dsn) as connection, looking.at(connection) as look:
        required = nulls.declared(Tables.read(connection), {"logs": ["id", "message", "owner"]})
        assert [each.object for each in nulls.find(look, required)] == ["public.logs.owner"]
    assert asked == ["nulls public.logs", "nulls public.logs"]


def test_a_date_may_be_tomorrows_where_the_day_has_begun(site: Site):
    site.run(
        "create table public.days (id int primary key, day date);"
        "insert into public.days values (1, (now() at time zone 'Pacific/Kiritimati')::date)"
    )
    assert site.look().ok
    site.run("insert into public.days values (2, (now() at time zone 'Pacific/Kiritimati')::date + 1)")
    assert [each.examples for each in site.look().findings] == [({"id": 2},)]
