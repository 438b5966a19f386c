"""The log of drills: what stands in it is neither changed nor taken away, in the table and in the file."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import psycopg
import pytest

from ops import database, drill_log
from tests import fix_app

PASSED = {"run": "one", "ended": "2026-11-30T03:00:00+00:00", "verdict": "passed"}
FAILED = {"run": "two", "ended": "2026-11-30T04:00:00+00:00", "verdict": "failed"}
ROWS = "select run, environment, entry->>'verdict' from runbooks.drills order by run"
CHANGES = [
    "update runbooks.drills set entry = '{}'",
    "delete from runbooks.drills where run = 'two'",
    "truncate runbooks.drills",
    "insert into runbooks.drills (run, environment, entry) values ('two', 'production', '{}')"
    " on conflict (run) do update set entry = excluded.entry",
    "merge into runbooks.drills d using (select 'two' as run) s on d.run = s.run when matched then delete",
]


def record(dsn: str, *entries: dict[str, str]) -> None:
    with database.connect(dsn) as connection:
        for entry in entries:
            drill_log.record(connection, "production", entry)


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_table_is_only_added_to_by_nobody_else_either(shaped_admin: str, change: str, role: str):
    """Nor by a superuser, nor where ordinary triggers are off."""
    record(shaped_admin, PASSED, FAILED)
    with psycopg.connect(shaped_admin, autocommit=True) as connection:
        connection.execute(f"set session_replication_role = {role}".encode())
        with pytest.raises(psycopg.errors.Error, match="append-only") as refused:
            connection.execute(change.encode())
    assert refused.value.sqlstate == "RB002"
    logged = [("one", "production", "passed"), ("two", "production", "failed")]
    assert fix_app.ask(shaped_admin, ROWS) == logged


def test_a_drill_is_logged_once_and_keeps_its_first_verdict(shaped: str, tmp_path: Path):
    again = {**FAILED, "verdict": "passed"}
    record(shaped, FAILED, again, PASSED)
    assert fix_app.ask(shaped, ROWS) == [("one", "production", "passed"), ("two", "production", "failed")]
    for entry in (FAILED, again, PASSED):
        drill_log.append(tmp_path, "production", entry)
    assert drill_log.read(tmp_path, "production") == [FAILED, PASSED]


def test_half_a_line_of_a_killed_run_is_taken_off_and_what_is_whole_stays(tmp_path: Path):
    path = drill_log.append(tmp_path, "production", PASSED)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"run": "hal')
    drill_log.append(tmp_path, "production", FAILED)
    assert drill_log.read(tmp_path, "production") == [PASSED, FAILED]
    assert path.read_bytes().startswith(whole)


def test_drills_that_end_at_once_are_all_logged(tmp_path: Path):
    entries = [{**PASSED, "run": f"{number}"} for number in range(24)]
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.starmap(drill_log.append, [(tmp_path, "production", entry) for entry in entries])
    logged = drill_log.read(tmp_path, "production")
    assert sorted(int(each["run"]) for each in logged) == list(range(24))
