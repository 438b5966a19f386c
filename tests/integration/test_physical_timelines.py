"""Two servers and one archive: a real promotion, told by its history, and a backup that does not lead onto it."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.backup_verification import backup_verification
from ops import embedded, errors, homes, physical_holdings, physical_verify, postmaster, scratch
from ops.backup_settings import Physical
from ops.backup_verification import VerifiedBackups
from ops.base_backup_folder import Record, record_path
from ops.wal_segments import Place
from tests import fix_archiving, projects
from tests.fix_archiving import COPY, Archiving

WINDOW = timedelta(seconds=1)
CONFIG = """\
[environments.production]
database = "file:{secret}"

[environments.production.backups]
window = "{window} s"
physical = {{ base = "{base}", wal = "{wal}" }}
"""


@contextmanager
def promoted(first: Archiving, backup: Path) -> Generator[Archiving]:
    """Recover a backup from the archive to a server of its own, which begins a timeline and archives it there too."""
    wal = first.settings.wal
    with scratch.opened(bindir=None, among=None, room=0) as place:
        shutil.copytree(backup, place.data)
        scratch.disarm(place)
        (place.data / "recovery.signal").touch()
        place.user.own(place.home)
        place.data.chmod(0o700)
        settings = {
            **scratch.quiet(place, fsync=False),
            "archive_mode": "on",
            "archive_command": COPY.format(wal=wal),
            "archive_timeout": "60",
            "restore_command": f"cp {wal}/%f %p",
            "default_transaction_read_only": "off",
            "wal_level": "logical",
        }
        with postmaster.running(
            place.programs.bindir / "postgres", place.data, user=place.user, settings=settings, at_once=True
        ):
            server = embedded.Server(
                bindir=first.server.bindir, host=str(place.home), port=homes.PORT, data=place.data,
                major=first.server.major, version=first.server.version,
            )  # fmt: skip
            second = Archiving(server, first.settings)
            fix_archiving.wait_until(lambda: second.run("select pg_is_in_recovery()") == [(False,)])
            yield second


@pytest.fixture(scope="module")
def two() -> Generator[tuple[Archiving, Archiving]]:
    """A server of which a backup was made, and the one that was made of the backup."""
    with fix_archiving.archiving(archive_timeout="60") as first:
        first.fill(1)
        backup = first.backup("1-before")
        first.fill(2)
        with promoted(first, backup) as second:
            second.fill(2)
            (held,) = physical_holdings.holdings(first.settings).backups
            # Until then no server can have filled its window, however healthy.
            fix_archiving.wait_until(lambda: datetime.now(UTC) - held.ended > WINDOW)
            yield first, second


def verified(settings: Physical, backup: int = -1) -> list[tuple[str, str]]:
    chosen = physical_holdings.holdings(settings).backups[backup]
    found = physical_verify.problems(settings, chosen, lambda *_: None)
    return [(each.kind, each.object) for each in found]


def look(archiving: Archiving, root: Path) -> VerifiedBackups:
    secret = root / "dsn"
    secret.write_text(archiving.dsn, "utf-8")
    where = {"base": archiving.settings.base, "wal": archiving.settings.wal}
    project = projects.write(
        root / "app", migrations={}, config=CONFIG.format(secret=secret, window=WINDOW.seconds, **where)
    )
    try:
        found = backup_verification.fn(str(project))
    except errors.CheckFailed as error:
        found = error.evidence
    assert isinstance(found, VerifiedBackups)
    return found


def test_a_backup_leads_over_a_promotion_to_the_present(two: tuple[Archiving, Archiving], tmp_path: Path):
    first, second = two
    held = physical_holdings.holdings(first.settings)
    assert held.problems == ()
    (backup,) = held.backups
    coverage = physical_holdings.archive(first.settings).coverage(backup)
    assert coverage.timelines == (1, 2)
    assert coverage.end == Place(2, held.end_lsn or 0)
    assert verified(first.settings) == []
    assert [each.kind for each in look(second, tmp_path).problems] == ["no-drill"]


def test_the_server_that_was_left_is_seen_to_be_on_another_timeline(
    two: tuple[Archiving, Archiving], tmp_path: Path
):
    found = look(two[0], tmp_path)
    assert "wrong-timeline" in {each.kind for each in found.problems}
    assert found.verdict == "failed"


def test_without_its_history_a_timeline_cannot_be_reached(two: tuple[Archiving, Archiving], tmp_path: Path):
    settings = two[0].settings
    history = settings.wal / "00000002.history"
    away = Path(shutil.move(history, tmp_path / history.name))
    try:
        problems = physical_holdings.holdings(settings).problems
        assert [(each.kind, each.object) for each in problems] == [("history-missing", history.name)]
        assert "wrong-timeline" in {each.kind for each in look(two[1], tmp_path).problems}
    finally:
        shutil.move(away, history)
    assert physical_holdings.holdings(settings).problems == ()


def test_a_missing_segment_after_the_promotion_is_found(two: tuple[Archiving, Archiving], tmp_path: Path):
    settings = two[0].settings
    first = sorted(path for path in settings.wal.iterdir() if path.name.startswith("00000002000"))[0]
    away = Path(shutil.move(first, tmp_path / first.name))
    try:
        assert verified(settings) == [("wal-gap", first.name)]
    finally:
        shutil.move(away, first)
    assert verified(settings) == []


def test_a_backup_of_the_server_that_was_left_leads_nowhere(two: tuple[Archiving, Archiving]):
    """It lies after the place at which the new timeline begins: recovery would refuse it, or lose what came since."""
    first, _ = two
    first.fill(2)
    folder = first.backup("2-left")
    try:
        problems = physical_holdings.holdings(first.settings).problems
        assert [(each.kind, each.object, each.blocks) for each in problems] == [
            ("wrong-timeline", "2-left", True)
        ]
        assert "left timeline 1 at" in problems[0].said
        assert verified(first.settings) == [("wrong-timeline", "2-left")]
        assert verified(first.settings, 0) == []
    finally:
        shutil.rmtree(folder)


def test_a_record_beside_a_backup_says_when_it_was_made(two: tuple[Archiving, Archiving]):
    settings = two[0].settings
    (backup,) = physical_holdings.holdings(settings).backups
    earlier = backup.began - timedelta(days=1)
    path = record_path(settings.base / backup.id)
    path.write_text(Record(id=backup.id, began=earlier, ended=earlier).model_dump_json(), "utf-8")
    assert physical_holdings.holdings(settings).backups[0].began == earlier
    path.unlink()
