"""A repository of pgBackRest on a real PostgreSQL 15: good backups restore, and each damage is found and named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest

from flows.restore_drill import restore_drill
from ops import errors, recovery_target
from ops.backup_settings import PgBackRest
from ops.backups import Backup
from ops.drill import DrillChoices, Drilled
from ops.pgbackrest import PgBackRestSource
from tests import projects
from tests.fix_pgbackrest import STANZA, Damaged, Repository, source
from tests.fix_postgres import DEBIAN_15
from tests.polling import wait_until

WITHIN = timedelta(minutes=5)
CONFIG = """\
[environments.production.backups]
pgbackrest = {{ stanza = "demo", config = "{config}" }}

[environments.production.backups.drill]
fsync = false
scratch = "{scratch}"
"""
HEAP = "pg_data/base/5/1247"


def quietly(_done: int, _total: int, _said: str) -> None: ...


def backups(found: PgBackRestSource) -> dict[str, Backup]:
    return {each.id: each for each in found.holdings().backups}


def restored_rows(found: PgBackRestSource, label: str, target: str) -> tuple[list[int], tuple[str, ...]]:
    backup, wanted = backups(found)[label], recovery_target.read(target)
    with found.restored(backup, wanted, within=WITHIN, progress=quietly) as restored:
        with psycopg.connect(restored.dsn) as connection:
            rows = connection.execute("select id from kept order by id").fetchall()
        return [row[0] for row in rows], restored.said


@pytest.fixture
def whole(pgbackrest_repository: Repository) -> PgBackRestSource:
    return source(pgbackrest_repository.home, pgbackrest_repository.home / "repo")


def test_the_holdings_are_what_pgbackrest_has(pgbackrest_repository: Repository, whole: PgBackRestSource):
    found = whole.holdings()
    full, incremental = found.backups
    assert (full.id, incremental.id) == (pgbackrest_repository.full, pgbackrest_repository.incremental)
    assert (full.parents, incremental.parents) == ((), (full.id,))
    assert {each.major for each in found.backups} == {15}
    assert full.start_lsn is not None
    assert full.stop_lsn is not None
    assert full.start_lsn < full.stop_lsn < incremental.start_lsn < found.end_lsn  # type: ignore[operator]
    assert found.earliest == full.ended
    assert found.latest is not None
    assert full.ended < found.latest <= datetime.now(UTC)
    assert found.problems == ()


@pytest.mark.parametrize("target", ["latest", "time", "lsn", "name", "after the last commit"])
def test_it_restores_exactly(pgbackrest_repository: Repository, whole: PgBackRestSource, target: str):
    made = pgbackrest_repository
    told, count = {
        "latest": ("latest", made.all_rows),
        "time": (made.at.isoformat(), made.rows),
        "lsn": (f"lsn:{made.lsn}", made.rows),
        "name": (f"name:{made.name}", made.rows),
        "after the last commit": ((made.at + timedelta(days=1)).isoformat(), made.all_rows),
    }[target]
    rows, said = restored_rows(whole, made.full, told)
    assert rows == list(range(1, 1 + count))
    assert bool(said) == (target == "after the last commit")


def test_a_restore_point_before_the_newest_backup_is_reached_from_the_older_one(
    pgbackrest_repository: Repository, whole: PgBackRestSource
):
    made, held = pgbackrest_repository, whole.holdings().backups
    point = whole.point(recovery_target.read(f"name:{made.name}"), held)
    assert point
    # The place is that of its record, which lies behind what was noted just before.
    assert (point.backup, point.lsn >= recovery_target.lsn(made.lsn)) == (made.full, True)
    assert point.at is not None
    assert held[0].ended - timedelta(seconds=1) < point.at < made.at
    rows, _ = restored_rows(whole, point.backup, f"name:{made.name}")
    assert rows == list(range(1, 1 + made.rows))


def test_a_drill_to_a_restore_point_takes_the_backup_from_which_it_is_reached(
    pgbackrest_repository: Repository, whole: PgBackRestSource, tmp_path: Path
):
    project = projects.write(
        tmp_path / "app",
        migrations={},
        config=CONFIG.format(config=whole.settings.config, scratch=whole.drill.scratch),
    )
    made = pgbackrest_repository
    with pytest.raises(errors.CheckFailed) as failed:
        restore_drill.fn(str(project), "production", DrillChoices(target=f"name:{made.name}"))
    found = failed.value.evidence
    assert isinstance(found, Drilled)
    assert (found.backup, found.rpo is not None) == (made.full, True)
    # Nobody took a reference of these rows; all else is well.
    assert {each.kind for each in found.problems if each.blocks} == {"no-reference"}, found.problems
    assert found.counts == {"public.kept": made.rows, "public.spaced": 1}


def test_a_restore_point_that_is_not_in_the_repository_is_refused(
    pgbackrest_repository: Repository, whole: PgBackRestSource
):
    held = whole.holdings().backups
    with pytest.raises(errors.Refused, match=r"no restore point 'nowhere'.*there are before-deploy"):
        whole.point(recovery_target.read("name:nowhere"), held)
    with pytest.raises(errors.Refused, match="There is no restore point 'before-deploy'"):
        whole.point(recovery_target.read(f"name:{pgbackrest_repository.name}"), held[-1:])


def test_an_lsn_is_told_with_the_time_of_the_last_commit_before_it(
    pgbackrest_repository: Repository, whole: PgBackRestSource
):
    made = pgbackrest_repository
    point = whole.point(recovery_target.read(f"lsn:{made.lsn}"), whole.holdings().backups)
    assert point
    assert (point.backup, point.lsn) == (made.full, recovery_target.lsn(made.lsn))
    assert point.at is not None
    assert point.at < made.at


def test_a_segment_that_cannot_be_read_hides_no_point_in_another_one(damaged: Damaged):
    damaged.archived(5).chmod(0)
    held = damaged.source.holdings().backups
    point = damaged.source.point(recovery_target.read(f"name:{damaged.made.name}"), held)
    assert point
    assert point.backup == damaged.made.full


def test_an_incremental_backup_is_restored_with_its_parent_and_nothing_of_it_is_left(
    pgbackrest_repository: Repository, whole: PgBackRestSource
):
    backup = backups(whole)[pgbackrest_repository.incremental]
    live = pgbackrest_repository.home
    before = {path: path.lstat().st_mtime_ns for path in live.rglob("*")}
    told: list[tuple[int, int, str]] = []
    progress = lambda *each: told.append(each)  # noqa: E731
    with whole.restored(backup, recovery_target.read("latest"), within=WITHIN, progress=progress) as restored:
        home = restored.place.home
        with psycopg.connect(restored.dsn, autocommit=True) as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (
                pgbackrest_repository.all_rows,
            )
            assert connection.execute("select id from spaced").fetchall() == [(1,)]
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("delete from kept")
        assert restored.timings.fetch > timedelta(0)
        assert restored.end_lsn is not None
        assert restored.last_commit is not None
    assert not home.exists()
    # The cluster that it is of, and its tablespace, were not touched.
    assert {path: path.lstat().st_mtime_ns for path in live.rglob("*")} == before
    assert (backup.size, backup.size, "bytes of the backup restored") in told


# What is damaged, and what is said of which backup.


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # Near the beginning, since the rest of a segment that was switched from is empty.
    content[4096] ^= 0x10
    path.write_bytes(content)


def edited(path: Path) -> None:
    path.write_text(path.read_text().replace('"size":8192', '"size":8193'))


def both_manifests(there: Damaged, do: Callable[[Path], object]) -> None:
    for name in ("backup.manifest", "backup.manifest.copy"):
        do(there.backup(there.made.full, name))


DAMAGES: dict[str, tuple[Callable[[Damaged], object], set[tuple[str, str]]]] = {
    "nothing": (lambda there: None, set()),
    "a flipped byte": (
        lambda there: flipped(there.backup(there.made.full, HEAP)),
        {("file-damaged", "{full}/" + HEAP)},
    ),
    "a truncated file": (
        lambda there: there.backup(there.made.full, HEAP).write_bytes(b""),
        {("file-damaged", "{full}/" + HEAP)},
    ),
    "a missing file": (
        lambda there: there.backup(there.made.full, HEAP).unlink(),
        {("file-missing", "{full}/" + HEAP)},
    ),
    "an edited manifest": (
        lambda there: edited(there.backup(there.made.full, "backup.manifest")),
        {("manifest-damaged", "{full}")},
    ),
    "both manifests edited": (
        lambda there: both_manifests(there, edited),
        {("manifest-damaged", "{full}")},
    ),
    "no manifest": (lambda there: both_manifests(there, Path.unlink), {("manifest-missing", "{full}")}),
    "no folder": (
        lambda there: shutil.rmtree(there.backup(there.made.full)),
        {("backup-missing", "{full}")},
    ),
    "a flipped byte in the WAL": (
        lambda there: flipped(there.archived(4)),
        {("wal-damaged", "000000010000000000000004")},
    ),
    "a missing segment in the middle": (
        lambda there: there.archived(4).unlink(),
        {("wal-gap", "000000010000000000000004")},
    ),
    "a missing segment of the backup itself": (
        lambda there: there.archived(2).unlink(),
        {("wal-gap", "000000010000000000000002")},
    ),
    "a segment from before the backup": (lambda there: there.archived(1).unlink(), set()),
    "a segment that came twice": (
        lambda there: shutil.copy(
            there.archived(4),
            there.archived(4).with_name(f"{4:024X}-{0:040x}".replace("0" * 8, "00000001", 1)),
        ),
        {("wal-double", "000000010000000000000004")},
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_verify_names_what_is_damaged(damaged: Damaged, what: str):
    damage, expected = DAMAGES[what]
    damage(damaged)
    backup = backups(damaged.source)[damaged.made.full]
    found = damaged.source.verify(backup, quietly)
    assert {(each.kind, each.object) for each in found} == {
        (kind, name.format(full=backup.id)) for kind, name in expected
    }


def test_an_incremental_backup_is_damaged_where_what_it_needs_of_its_parent_is(damaged: Damaged):
    damaged.backup(damaged.made.full, HEAP).unlink()
    found = damaged.source.verify(backups(damaged.source)[damaged.made.incremental], quietly)
    assert [(each.kind, each.object, each.blocks) for each in found] == [
        ("file-missing", f"{damaged.made.full}/{HEAP}", True)
    ]


def test_the_holdings_say_where_the_wal_has_a_gap(damaged: Damaged):
    damaged.archived(4).unlink()
    found = damaged.source.holdings()
    assert [(each.kind, each.object, each.blocks) for each in found.problems] == [
        ("wal-gap", "000000010000000000000004", False)
    ]
    assert found.earliest == found.backups[1].ended


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda there: there.backup(there.made.full, HEAP).unlink(), "unable to open missing file"),
        (lambda there: flipped(there.backup(there.made.full, HEAP)), "does not match"),
        (
            lambda there: there.archived(4).unlink(),
            "WAL is not continuous: 000000010000000000000004 is missing",
        ),
        (lambda there: flipped(there.archived(4)), "a segment is damaged there"),
        (lambda there: there.archived(4).chmod(0), "exit code 200"),
    ],
    ids=["missing", "flipped", "gap", "flipped WAL", "unreadable WAL"],
)
def test_what_is_damaged_is_not_restored(damaged: Damaged, damage: Callable[[Damaged], object], says: str):
    damage(damaged)
    with pytest.raises(errors.CheckFailed, match=re.escape(says)):
        restored_rows(damaged.source, damaged.made.full, "latest")


def test_before_the_gap_it_is_restored(damaged: Damaged):
    damaged.archived(5).unlink()
    rows, _ = restored_rows(damaged.source, damaged.made.full, f"lsn:{damaged.made.lsn}")
    assert rows == list(range(1, 1 + damaged.made.rows))


def test_what_is_not_there_is_refused(
    whole: PgBackRestSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    with pytest.raises(errors.Refused, match="no stanza other"):
        PgBackRestSource(whole.settings.model_copy(update={"stanza": "other"})).holdings()
    with pytest.raises(errors.Refused, match=r"none\.conf"):
        PgBackRestSource(PgBackRest(stanza=STANZA, config=tmp_path / "none.conf")).holdings()
    backup = whole.holdings().backups[0].model_copy(update={"major": 18})
    with (
        pytest.raises(errors.Refused, match=r"PostgreSQL 18, and the programs in \S+ are of 15"),
        PgBackRestSource(whole.settings.model_copy(update={"bindir": DEBIAN_15})).restored(
            backup, recovery_target.read("latest"), within=WITHIN, progress=quietly
        ),
    ):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.Refused, match="Install the package pgbackrest"):
        whole.holdings()


def test_a_restore_that_takes_too_long_is_stopped(pgbackrest_repository: Repository, whole: PgBackRestSource):
    backup = backups(whole)[pgbackrest_repository.full]
    latest = recovery_target.read("latest")
    with (
        pytest.raises(errors.Unavailable, match="was stopped"),
        whole.restored(backup, latest, within=timedelta(milliseconds=1), progress=quietly),
    ):
        pass


def test_a_restore_dies_with_who_started_it(tmp_path: Path):
    """Killed with -9, which no handler of ours sees."""
    told = f"6{time.time_ns() % 10**6:06}"
    code = (
        "from datetime import timedelta; from pathlib import Path; from ops import pgbackrest_program\n"
        "from ops.backup_settings import PgBackRest\n"
        "program = pgbackrest_program.find(PgBackRest(stanza='demo'))\n"
        f"program._watched(('sleep', '{told}'), Path('/dev/null'), timedelta(hours=1), lambda: None)"
    )
    root = Path(__file__).parents[2]
    starter = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(root)})
    wait_until(lambda: sleeping(told), seconds=60)
    starter.kill()
    starter.wait()
    wait_until(lambda: not sleeping(told), seconds=60)


def sleeping(seconds: str) -> bool:
    return any(each.info["cmdline"] == ["sleep", seconds] for each in psutil.process_iter(["cmdline"]))
