"""Deploys are recorded once under their id, whoever records them at once and however often."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops import database, deploys, errors
from tests import fix_app

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def connection(shaped: str):
    with database.connect(shaped) as connection:
        yield connection


def before(connection: database.Connection, counts: int = 1, deploy: str = "d1", **found: str) -> None:
    deploys.prepare(connection)
    deploys.record_before(
        connection,
        "production",
        deploy,
        project="app",
        commit="a" * 40,
        baseline={"counts": {"logs": counts}},
        result={"verdict": "passed", "error": None} | found,
    )


def after(connection: database.Connection, at: datetime | None = None, commit: str = "b" * 40) -> None:
    deploys.record_after(connection, "production", "d1", commit=commit, deployed_at=at, restarted_at=None)


def read(connection: database.Connection) -> deploys.Deploy:
    found = deploys.read(connection, "production", "d1")
    assert found is not None
    return found


def test_nothing_is_known_where_nothing_was_recorded(connection: database.Connection, tmp_path: Path):
    assert deploys.read(connection, "production", "d1") is None
    with pytest.raises(errors.Refused, match="no baseline of the deploy 'd1' on 'production'"):
        deploys.baseline(None, "production", "d1", root=tmp_path)


def test_the_two_phases_are_one_record(connection: database.Connection, tmp_path: Path):
    before(connection)
    assert deploys.baseline(read(connection), "production", "d1", root=tmp_path) == {"counts": {"logs": 1}}
    after(connection, NOON)
    deploys.record_result(connection, "production", "d1", {"verdict": "failed"})
    found = read(connection)
    assert (found.commit, found.deployed_at) == ("b" * 40, NOON)
    assert (found.verdict_before, found.post) == ("passed", {"verdict": "failed"})
    assert deploys.read(connection, "staging", "d1") is None


def test_before_the_deploy_the_baseline_is_taken_anew(connection: database.Connection):
    before(connection, 1)
    before(connection, 2)
    assert read(connection).baseline == {"counts": {"logs": 2}}


def test_what_broke_off_replaces_only_what_broke_off(connection: database.Connection):
    before(connection)
    said = [
        {"n": 1, "error": "lost"},
        {"n": 2, "error": "lost"},
        {"n": 3},
        {"n": 4, "error": "lost"},
        {"n": 5},
    ]
    stands: list[int] = []
    for result in said:
        deploys.record_result(connection, "production", "d1", result)
        stands.append((read(connection).post or {})["n"])
    assert stands == [1, 2, 3, 3, 5]


def test_after_the_deploy_the_baseline_stands(connection: database.Connection):
    before(connection, 1)
    after(connection)
    with pytest.raises(errors.Refused, match="its baseline stands"):
        before(connection, 2)
    assert read(connection).baseline == {"counts": {"logs": 1}}


def test_a_second_look_afterwards_keeps_the_time_unless_one_is_given(connection: database.Connection):
    before(connection)
    after(connection)
    first = read(connection).deployed_at
    after(connection)
    assert read(connection).deployed_at == first
    after(connection, NOON)
    assert read(connection).deployed_at == NOON


def test_many_at_once_make_one_table_and_one_record(shaped: str):
    failures: list[Exception] = []
    start = threading.Barrier(8)

    def record() -> None:
        try:
            with database.connect(shaped) as connection:
                start.wait()
                before(connection)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=record) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.connect(shaped) as connection:
        assert connection.execute("select count(*) from runbooks.deploys").fetchone() == (1,)


def test_a_login_that_may_not_make_the_table_is_told_who_may(
    connection: database.Connection, shaped: str, shaped_admin: str
):
    name = f"app_{connection.info.dbname}"
    fix_app.execute(
        shaped_admin,
        f"create role {name} login; revoke create on database {connection.info.dbname} from public",
    )
    try:
        with database.connect(shaped.replace("postgres@", f"{name}@")) as theirs:
            with pytest.raises(errors.Refused, match="create schema if not exists runbooks authorization"):
                deploys.prepare(theirs)
            fix_app.execute(shaped_admin, f"create schema if not exists runbooks authorization {name}")
            before(theirs)
            assert read(theirs).baseline == {"counts": {"logs": 1}}
    finally:
        fix_app.execute(shaped_admin, f"drop owned by {name} cascade; drop role {name}")


def test_the_mirror_says_what_the_database_says_and_is_missed_by_name(
    connection: database.Connection, tmp_path: Path
):
    before(connection)
    deploys.write_mirror(connection, "production", "d1", root=tmp_path)
    path = deploys.mirror(tmp_path, "production", "d1")
    assert json.loads(path.read_text("utf-8")) == read(connection).model_dump(mode="json")
    assert [each.name for each in path.parent.iterdir()] == ["d1.json"]
    connection.execute("delete from runbooks.deploys")
    with pytest.raises(errors.Refused, match=r"its mirror d1\.json does: was this database restored"):
        deploys.baseline(None, "production", "d1", root=tmp_path)


def test_a_secret_in_a_result_is_not_recorded(connection: database.Connection):
    said = {"summary": "postgresql://u:hunter2-hunter2@h/d"}
    before(connection, **said)
    deploys.record_result(connection, "production", "d1", said)
    found = read(connection)
    assert (found.pre or {})["summary"] == (found.post or {})["summary"]
    assert "hunter2" not in str((found.pre, found.post))


def test_a_rollback_is_recorded_also_of_a_deploy_that_nobody_recorded(connection: database.Connection):
    deploys.prepare(connection)
    deploys.record_rollback(
        connection, "production", "d1", project="app", at=NOON, rollback={"reason": "writes are missing"}
    )
    found = read(connection)
    assert (found.rolled_back_at, found.rollback) == (NOON, {"reason": "writes are missing"})
    assert found.over == "the app was rolled back from it at 2026-01-31 12:00 UTC (writes are missing)"
    after(connection)
    assert read(connection).deployed_at is None
