"""What `pgbackrest verify` says, read; the texts are those of version 2.45."""

from __future__ import annotations

from datetime import UTC, datetime

from ops import pgbackrest_said, pgbackrest_wal
from ops.backups import Backup

LABEL = "20261130-002015F"
SIZE = 16 * 1024 * 1024
BACKUP = Backup(
    id=LABEL,
    kind="pgbackrest",
    began=datetime(2026, 11, 30, tzinfo=UTC),
    ended=datetime(2026, 11, 30, tzinfo=UTC),
    major=15,
    size=1,
    timeline=1,
    start_lsn=0x2000028,
)
VALID = f"  backup: {LABEL}, status: valid, total files checked: 966, total valid files: 966\n"


def kinds(text: str) -> list[tuple[str, str]]:
    return [(each.kind, each.object) for each in pgbackrest_said.problems(text, BACKUP) if each.blocks]


def test_twenty_files_are_named_and_the_rest_counted():
    lines = [f"P01   INFO: file missing '{LABEL}/pg_data/base/5/{number}.gz'" for number in range(959)]
    status = f"  backup: {LABEL}, status: invalid, total files checked: 966, total valid files: 7"
    found = pgbackrest_said.problems("\n".join((*lines, status)), BACKUP)
    assert len(found) == 21
    assert found[-1].said == f"939 more are damaged or missing, beginning with {LABEL}/pg_data/base/5/20.gz."


def test_a_file_that_cannot_be_read_is_named_with_the_reason():
    text = (
        f"P01   INFO: invalid result {LABEL}/pg_data/base/5/1247.gz: [41] raised from local-1 protocol: denied\n"
        f"  backup: {LABEL}, status: invalid, total files checked: 966, total valid files: 965\n"
    )
    (found,) = pgbackrest_said.problems(text, BACKUP)
    assert (found.kind, found.object) == ("file-damaged", f"{LABEL}/pg_data/base/5/1247.gz")
    assert "[41] raised from local-1 protocol: denied" in found.said


def test_what_another_backup_misses_is_not_this_one_s():
    other = "P01   INFO: file missing '20261129-002015F/pg_data/PG_VERSION.gz'\n"
    assert kinds(other + VALID) == []


def test_a_segment_from_before_the_backup_is_not_needed():
    damage = "P01   INFO: invalid checksum '15-1/0000000100000000/00000001000000000000000{}-{:040x}.gz'\n"
    assert kinds(damage.format(1, 0) + VALID) == []
    assert kinds(damage.format(2, 0) + VALID) == [("wal-damaged", "000000010000000000000002")]


def test_a_repository_without_its_lists_is_broken():
    assert kinds("stanza: demo\nstatus: error\n  No usable backup.info file\n") == [
        ("repository-broken", "backup.info")
    ]


def test_a_backup_of_which_nothing_is_said_is_not_there():
    assert kinds("stanza: demo\nstatus: ok\n") == [("backup-missing", LABEL)]


def test_a_backup_of_another_cluster_is_not_taken_for_this_one_s():
    text = (
        f"P00   INFO: '{LABEL}' may not be recoverable - PG data (id 2, version 15, system-id 1) is not in the "
        f"backup.info history, skipping\n  backup: {LABEL}, status: invalid, total files checked: 0, total valid: 0\n"
    )
    assert ("foreign-backup", LABEL) in kinds(text)


def test_the_size_of_a_segment_follows_from_where_one_lies():
    assert pgbackrest_wal.segment_size("000000010000000000000002", 0x2000028) == SIZE
    assert pgbackrest_wal.segment_size("000000010000000000000002", 0x8000028) == 4 * SIZE
    assert pgbackrest_wal.segment_size("0000000100000000000000FF", 0xFF000028) == SIZE
