"""What a folder of base backups holds: whole, half-written and incremental ones, and up to where one can restore."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from ops import errors, physical_holdings, physical_verify
from ops.backup_settings import Physical
from tests import fix_archiving
from tests.fix_archiving import Archiving


@pytest.fixture(scope="module")
def cluster() -> Generator[Archiving]:
    """A full backup, an incremental one, one on that, and WAL before, between and after."""
    with fix_archiving.archiving() as archiving:
        archiving.fill(2)
        full = archiving.backup("1-full")
        archiving.fill(2)
        second = archiving.backup("2-inc", "--wal-method=none", f"--incremental={full / 'backup_manifest'}")
        archiving.fill(2)
        archiving.backup("3-inc", "--wal-method=none", f"--incremental={second / 'backup_manifest'}")
        archiving.fill(2)
        yield archiving


@pytest.fixture
def copied(cluster: Archiving, tmp_path: Path) -> Physical:
    """A copy that a test may break; its files are links, so that they are replaced and never written into."""
    place = cluster.settings.base.with_name(tmp_path.name)
    for name in ("base", "wal"):
        shutil.copytree(getattr(cluster.settings, name), place / name, copy_function=os.link)
    return cluster.settings.model_copy(update={"base": place / "base", "wal": place / "wal"})


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def whole(settings: Physical) -> list[str]:
    return [backup.id for backup in physical_holdings.holdings(settings).backups]


def test_backups_their_parents_and_the_window_are_read(cluster: Archiving):
    held = physical_holdings.holdings(cluster.settings)
    ((system, now, size),) = cluster.run(
        "select system_identifier::text, now(), (select setting::bigint from pg_settings"
        " where name = 'wal_segment_size') from pg_control_system()"
    )
    assert [backup.parents for backup in held.backups] == [(), ("1-full",), ("1-full", "2-inc")]
    assert {(b.major, b.timeline, b.system_identifier) for b in held.backups} == {(18, 1, system)}
    assert [(b.start_lsn or 0) < (b.stop_lsn or 0) < (held.end_lsn or 0) for b in held.backups] == [True] * 3
    assert held.earliest == held.backups[0].ended
    assert held.latest
    assert timedelta(0) <= now - held.latest < timedelta(minutes=10)  # pyright: ignore
    assert (held.end_lsn or 0) % size == 0  # pyright: ignore
    assert held.problems == ()


def test_an_incremental_backup_is_verified_with_those_on_which_it_builds(copied: Physical):
    newest = physical_holdings.holdings(copied).backups[-1]
    assert physical_verify.problems(copied, newest, lambda *_: None) == ()
    (copied.base / "1-full" / "PG_VERSION").unlink()
    assert whole(copied) == []


def test_an_incremental_backup_without_its_parent_is_no_backup(copied: Physical):
    shutil.rmtree(copied.base / "2-inc")
    held = physical_holdings.holdings(copied)
    assert [backup.id for backup in held.backups] == ["1-full"]
    ((kind, named),) = [(problem.kind, problem.object) for problem in held.problems]
    assert (kind, named) == ("orphan-incremental", "3-inc")


def test_a_half_written_backup_is_none(copied: Physical):
    (copied.base / "3-inc" / "backup_manifest").rename(copied.base / "3-inc" / "backup_manifest.tmp")
    shutil.copytree(copied.base / "1-full", copied.base / ".4-full.tmp")
    (copied.base / "lost+found").mkdir()
    held = physical_holdings.holdings(copied)
    assert [backup.id for backup in held.backups] == ["1-full", "2-inc"]
    assert [(each.kind, each.object, each.blocks) for each in held.problems] == [
        ("half-written", "3-inc", False)
    ]


def test_a_manifest_that_cannot_be_read_makes_no_backup(copied: Physical):
    manifest = copied.base / "3-inc" / "backup_manifest"
    replace(manifest, manifest.read_bytes()[:200])
    held = physical_holdings.holdings(copied)
    assert [each.kind for each in held.problems] == ["backup-unreadable"]


def test_a_gap_ends_the_window_of_the_backups_before_it(copied: Physical):
    held = physical_holdings.holdings(copied)
    number = (held.backups[1].start_lsn or 0) // 2**20 - 1
    lost = physical_holdings.archive(copied).path(1, number)
    lost.rename(lost.with_name(f"{lost.name}.partial"))
    broken = physical_holdings.holdings(copied)
    assert [(each.kind, each.object, each.blocks) for each in broken.problems] == [
        ("wal-gap", lost.name, False)
    ]
    assert broken.earliest == held.backups[1].ended
    assert broken.end_lsn == held.end_lsn
    lost.with_name(f"{lost.name}.partial").rename(lost)
    assert physical_holdings.holdings(copied).problems == ()


def test_a_compressed_archive_is_read_too(copied: Physical):
    for path in [path for path in copied.wal.iterdir() if len(path.name) == 24]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
        path.unlink()
    held = physical_holdings.holdings(copied)
    assert held.problems == ()
    assert physical_verify.problems(copied, held.backups[-1], lambda *_: None) == ()
    last = sorted(copied.wal.glob("*.gz"))[-1]
    replace(last, last.read_bytes()[:-20])
    found = physical_verify.problems(copied, held.backups[-1], lambda *_: None)
    assert [(each.kind, each.object) for each in found] == [("wal-damaged", last.name[:24])]


def test_tar_files_are_a_backup_too(cluster: Archiving, copied: Physical):
    cluster.backup("9-tar", "--wal-method=none", "--format=tar", "--gzip")
    shutil.move(cluster.settings.base / "9-tar", copied.base / "9-tar")
    tar = physical_holdings.holdings(copied.model_copy(update={"wal": cluster.settings.wal})).backups[-1]
    plain = physical_holdings.holdings(copied).backups[0]
    assert (tar.id, tar.system_identifier, tar.major) == ("9-tar", plain.system_identifier, 18)


def test_a_folder_that_is_not_there_is_refused(copied: Physical):
    for gone in ("base", "wal"):
        with pytest.raises(errors.Refused, match="cannot be read"):
            physical_holdings.holdings(copied.model_copy(update={gone: copied.base / "nowhere"}))


def test_postgres_15_is_read_with_its_own_programs():
    with fix_archiving.archiving(bindir=fix_archiving.DEBIAN_15) as archiving:
        archiving.fill(1)
        archiving.backup("nightly")
        archiving.fill(2)
        (backup,) = physical_holdings.holdings(archiving.settings).backups
        assert (backup.major, backup.timeline) == (15, 1)
        assert backup.system_identifier
        assert physical_verify.problems(archiving.settings, backup, lambda *_: None) == ()
