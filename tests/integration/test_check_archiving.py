"""Whether WAL is archived in time, on a server whose archive_command hangs and fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import conninfo

from ops import check_backups, embedded
from tests import polling
from tests.fix_checks import Checkup, looking_at

# It begins in the server's folder.
COMMAND = "while test -e hang; do sleep 0.1; done; test ! -e fail"
SWITCH = "select pg_logical_emit_message(false, 'test', 'x'); select pg_switch_wal()"
BY_SIZE = 'checks = { retained_wal = "2 MB", unarchived = "1 h" }'
BY_AGE = 'checks = { unarchived = "0.2 s" }'
BACKUPS = '\n[environments.production.promotion]\nbackup_query = "select now()"'


@pytest.fixture(scope="module")
def archived() -> Iterator[embedded.Server]:
    with embedded.running(settings={"archive_mode": "on", "archive_command": COMMAND}, listen=True) as server:
        yield server


@pytest.fixture
def site(archived: embedded.Server, tmp_path: Path) -> Generator[Checkup]:
    with looking_at(archived.dsn(user=archived.superuser), tmp_path) as checkup:
        checkup.checks = (check_backups.check_backups,)
        checkup.configure(BY_SIZE + BACKUPS)
        yield checkup
        for name in ("hang", "fail"):
            sign(checkup, name).unlink(missing_ok=True)
        polling.wait_until(lambda: checkup.kinds() == [])


def sign(checkup: Checkup, name: str) -> Path:
    ((folder,),) = checkup.sql("show data_directory")
    return Path(folder) / name


def write(checkup: Checkup, segments: int) -> None:
    for _ in range(segments):
        checkup.sql(SWITCH)


def waiting(checkup: Checkup) -> int:
    text = "select count(*) from pg_ls_archive_statusdir() where name like '%.ready'"
    ((count,),) = checkup.sql(text)
    return int(count)


def test_an_archive_command_that_hangs_is_behind_by_what_it_holds_up(site: Checkup):
    write(site, 2)
    polling.wait_until(lambda: site.kinds() == [])
    sign(site, "hang").touch()
    write(site, 2)
    assert site.kinds() == []
    write(site, 3)
    found = site.the("archiving-behind")
    assert (found.severity, found.object) == ("failed", "backups")
    assert found.said.startswith("5.0 MB of complete WAL are not archived, the oldest for ")
    assert "hangs or is empty" in found.todo
    assert found.since
    assert datetime.now(UTC) - found.since < timedelta(minutes=5)
    sign(site, "hang").unlink()
    polling.wait_until(lambda: waiting(site) == 0)
    assert site.kinds() == []
    assert "Not any more: archiving-behind" in site.heard[-1]["text"]


def test_a_segment_that_waits_too_long_is_said_however_small(site: Checkup):
    site.configure(BY_AGE + BACKUPS)
    polling.wait_until(lambda: site.kinds() == [])
    sign(site, "hang").touch()
    write(site, 1)
    polling.wait_until(lambda: site.kinds() == ["archiving-behind"])
    assert "1.0 MB of complete WAL" in site.the("archiving-behind").said
    sign(site, "hang").unlink()
    polling.wait_until(lambda: site.kinds() == [], seconds=90)


def test_one_that_fails_is_said_as_such(site: Checkup):
    sign(site, "fail").touch()
    write(site, 4)
    polling.wait_until(lambda: site.kinds() == ["archiving-fails"])
    sign(site, "fail").unlink()
    polling.wait_until(lambda: site.kinds() == [], seconds=90)


def test_a_login_that_may_not_list_what_waits_sees_it_by_the_position(site: Checkup):
    write(site, 1)
    polling.wait_until(lambda: site.kinds() == [])
    site.sql("create role plain login")
    secret = site.project.parent / "secret"
    try:
        secret.write_text(conninfo.make_conninfo(site.admin, user="plain"), "utf-8")
        assert site.kinds() == []
        sign(site, "hang").touch()
        write(site, 4)
        assert site.the("archiving-behind").said.startswith(
            "4.0 MB of complete WAL are not archived; the last"
        )
        site.sql("select pg_stat_reset_shared('archiver')")
        assert site.the("archiving-not-seen").severity == "note"
    finally:
        secret.write_text(site.admin, "utf-8")
        site.sql("drop role plain")
