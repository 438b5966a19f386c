"""The Management API, in the shape of its description: what it has, and a temporary project that never stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ops import embedded, errors, management_api, recovery_target
from ops.backup_settings import ManagementApi
from ops.management_api import ApiSource
from ops.management_branch import PREFIX
from tests.fix_management_api import REF, TOKEN, Hosted
from tests.fix_management_api import management_api as serving
from tests.polling import wait_until

WITHIN = timedelta(minutes=2)
LATEST = recovery_target.read("latest")
START, END = 1_795_000_000, 1_795_600_000
KILLED = """
import sys; from datetime import timedelta; from pathlib import Path
from ops import recovery_target; from ops.backup_settings import ManagementApi; from ops.management_api import ApiSource
url, records = sys.argv[1:]
settings = ManagementApi(ref={ref!r}, token="env:MANAGEMENT_TOKEN", url=url)
source = ApiSource(settings, Path(records), timedelta(milliseconds=10))
backup = source.holdings().backups[-1]
with source.restored(backup, recovery_target.read("latest"), within=timedelta(minutes=2), progress=lambda *_: None):
    pass
"""


def quietly(_done: int, _total: int, _said: str) -> None: ...


@pytest.fixture
def hosted(listening: embedded.Server) -> Generator[Hosted]:
    """A project with two backups, and a server for the databases of its branches."""
    with serving() as served:
        served.add("main", ref=REF, is_default=True)
        served.add("feature")
        served.backups = [
            {
                "id": 8,
                "is_physical_backup": True,
                "status": "COMPLETED",
                "inserted_at": "2026-11-29T02:00:00Z",
            },
            {
                "id": 7,
                "is_physical_backup": True,
                "status": "COMPLETED",
                "inserted_at": "2026-11-28T02:00:00.123",
            },
        ]
        served.pitr = (START, END)
        # Letters that mean something in a URL.
        password = "p@ss/w#rd"
        with psycopg.connect(listening.dsn(user=listening.superuser), autocommit=True) as connection:
            connection.execute("create role branch_owner login password 'p@ss/w#rd'")
        served.login = {
            "db_host": "127.0.0.1",
            "db_port": listening.port,
            "db_user": "branch_owner",
            "db_pass": password,
        }
        yield served
        with psycopg.connect(listening.dsn(user=listening.superuser), autocommit=True) as connection:
            connection.execute("drop role branch_owner")


@pytest.fixture
def source(hosted: Hosted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ApiSource:
    monkeypatch.setenv("MANAGEMENT_TOKEN", TOKEN)
    settings = ManagementApi(ref=REF, token="env:MANAGEMENT_TOKEN", url=hosted.url)
    return ApiSource(settings, tmp_path / "records", timedelta(milliseconds=10))


def test_the_holdings_are_what_the_api_lists(hosted: Hosted, source: ApiSource):
    hosted.backups.append(
        {"id": 9, "is_physical_backup": True, "status": "FAILED", "inserted_at": "2026-11-30T02:00:00Z"}
    )
    found = source.holdings()
    assert [(each.id, each.major) for each in found.backups] == [("7", 17), ("8", 17)]
    assert found.backups[0].ended == datetime(2026, 11, 28, 2, 0, 0, 123000, UTC)
    assert (found.earliest, found.latest) == tuple(datetime.fromtimestamp(each, UTC) for each in (START, END))
    assert [(each.kind, each.object, each.blocks) for each in found.problems] == [
        ("backup-failed", "9", True)
    ]
    hosted.pitr = None
    assert (source.holdings().earliest, source.holdings().latest) == (None, None)


def test_verify_says_what_is_gone(hosted: Hosted, source: ApiSource):
    backup = source.holdings().backups[-1]
    assert source.verify(backup, quietly) == ()
    hosted.backups[0]["status"] = "REMOVED"
    assert [each.kind for each in source.verify(backup, quietly)] == ["backup-missing"]


def test_the_newest_backup_is_restored_to_a_project_that_goes_again(hosted: Hosted, source: ApiSource):
    backup = source.holdings().backups[-1]
    with source.restored(backup, LATEST, within=WITHIN, progress=quietly) as restored:
        assert len([name for name in hosted.names if name.startswith(PREFIX)]) == 1
        with (
            psycopg.connect(restored.dsn) as connection,
            pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        ):
            connection.execute("create table pg_temp.new (id int); create table public.new (id int)")
        restored.promote()
        with psycopg.connect(restored.dsn) as connection:
            assert connection.execute("show default_transaction_read_only").fetchone() == ("off",)
    assert hosted.names == ["main", "feature"]
    assert list(source.records.iterdir()) == []
    # Nothing was restored in place.
    assert [path for method, path, _ in hosted.asked if method == "POST"] == [f"/v1/projects/{REF}/branches"]


@pytest.mark.parametrize("how", ["fails", "too long", "in the block", "no login", "not made"])
def test_the_temporary_project_is_removed_whatever_happens(hosted: Hosted, source: ApiSource, how: str):
    backup, within = source.holdings().backups[-1], WITHIN
    expected: type[Exception] = errors.CheckFailed
    if how == "fails":
        hosted.statuses = ["COMING_UP", "RESTORE_FAILED"]
    elif how == "too long":
        hosted.statuses, within, expected = ["COMING_UP"], timedelta(milliseconds=50), errors.Unavailable
    elif how == "no login":
        del hosted.login["db_pass"]
    elif how == "not made":
        hosted.fails["POST", f"/v1/projects/{REF}/branches"] = 403
        expected = errors.Refused
    else:
        expected = KeyboardInterrupt  # type: ignore[assignment]
    with pytest.raises(expected), source.restored(backup, LATEST, within=within, progress=quietly):
        raise KeyboardInterrupt
    assert hosted.names == ["main", "feature"]
    assert list(source.records.iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next_and_nothing_else(hosted: Hosted, source: ApiSource):
    hosted.statuses = ["COMING_UP"]
    hosted.add(f"{PREFIX}somebody-else-s")
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED.format(ref=REF), hosted.url, str(source.records)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    wait_until(lambda: len(hosted.branches) == 4, seconds=60)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (record,) = source.records.iterdir()
    assert record.stem in hosted.names
    hosted.statuses = ["ACTIVE_HEALTHY"]
    with source.restored(source.holdings().backups[-1], LATEST, within=WITHIN, progress=quietly):
        assert record.stem not in hosted.names
    assert hosted.names == ["main", "feature", f"{PREFIX}somebody-else-s"]
    assert list(source.records.iterdir()) == []


def test_a_record_is_no_warrant_for_production(hosted: Hosted, source: ApiSource):
    source.records.mkdir()
    # Somebody's pid that is nobody's, and the name of the branch that is production.
    said = {"name": "main", "ref": REF, "pid": 1, "started": 0.0}
    (source.records / f"{PREFIX}x.json").write_text(json.dumps(said))
    hosted.add(f"{PREFIX}y", ref=REF, is_default=True)
    (source.records / f"{PREFIX}y.json").write_text(json.dumps({**said, "name": f"{PREFIX}y"}))
    with source.restored(source.holdings().backups[-1], LATEST, within=WITHIN, progress=quietly):
        pass
    assert hosted.names == ["main", "feature", f"{PREFIX}y"]


def test_what_a_drill_must_not_ask_for_is_refused(hosted: Hosted, source: ApiSource):
    older, newest = source.holdings().backups
    asked = [(older, "latest", "newest backup only"), (newest, "2026-11-29T03:00:00Z", "only in place")]
    for backup, target, says in asked:
        with (
            pytest.raises(errors.Refused, match=says),
            source.restored(backup, recovery_target.read(target), within=WITHIN, progress=quietly),
        ):
            pass
    assert {method for method, _, _ in hosted.asked} == {"GET"}


def test_in_place_it_restores_to_a_moment_of_the_span(hosted: Hosted, source: ApiSource):
    client = management_api.point_in_time(source.settings)
    assert client.ready()
    with pytest.raises(errors.Refused, match="Choose another moment"):
        client.restore(datetime.fromtimestamp(END + 1, UTC))
    client.restore(datetime.fromtimestamp(END - 60.5, UTC))
    assert hosted.asked[-1][1:] == (
        f"/v1/projects/{REF}/database/backups/restore-pitr",
        {"recovery_time_target_unix": END - 61},
    )
    assert not client.ready()
    hosted.status = "RESTORE_FAILED"
    with pytest.raises(errors.CheckFailed, match="RESTORE_FAILED"):
        client.ready()
    hosted.pitr = None
    with pytest.raises(errors.Refused, match="no point-in-time recovery"):
        client.restore(datetime.fromtimestamp(END - 60, UTC))


def test_the_token_is_never_said(hosted: Hosted, source: ApiSource, monkeypatch: pytest.MonkeyPatch):
    for code, kind in (
        (401, errors.Refused),
        (403, errors.Refused),
        (429, errors.Unavailable),
        (503, errors.Unavailable),
    ):
        hosted.fails["GET", f"/v1/projects/{REF}"] = code
        with pytest.raises(kind, match=str(code)) as raised:
            source.holdings()
        assert TOKEN not in str(raised.value)
    monkeypatch.setenv("MANAGEMENT_TOKEN", "another-fake-access-token")
    hosted.fails.clear()
    with pytest.raises(errors.Refused, match="401"):
        source.holdings()
    away = source.settings.model_copy(update={"url": "http://127.0.0.1:9"})
    with pytest.raises(errors.Unavailable, match="not reached"):
        ApiSource(away).holdings()
