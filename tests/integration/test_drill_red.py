"""A drill that cannot fail is worthless: each damage turns it red and is named, and good backups pass."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests import damaged
from tests.damaged import Copy, mark
from tests.drills import Shop, kinds
from tests.fix_archiving import flip

# Each takes seconds: docs/restore-drill.md says how all twenty are made.
GOOD = int(os.environ.get("RUNBOOKS_GOOD_DRILLS", "5"))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop]:
    """Production, of which nothing is ever damaged."""
    with damaged.production(tmp_path_factory.mktemp("good")) as shop:
        yield shop


@pytest.fixture
def copy(good: Shop) -> Generator[Copy]:
    with damaged.copied(good) as made:
        yield made


def flip_in(path: Path, text: str) -> Path:
    """Change a byte of a value that stands in a file."""
    flip(path, path.read_bytes().index(text.encode()) + 2)
    return path


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def heap(copy: Copy) -> Path:
    return flip_in(copy.relation("customers"), "c190@example.com")


def index(copy: Copy) -> Path:
    """Another first byte of a key, so that the order is not that of the index."""
    path = copy.relation("customers_email_key")
    flip(path, path.read_bytes().index(b"c150@example.com"))
    return path


def left_before(copy: Copy) -> None:
    (copy.wal / "00000002.history").write_text("1\t0/1000100\tbefore the backup\n")


FILES: dict[str, tuple[Callable[[Copy], object], set[str]]] = {
    "a byte of a heap file": (heap, {"file-changed", "rows-unreadable", "unreadable", "page-damaged"}),
    "a byte of an index": (index, {"file-changed", "page-damaged"}),
    "a byte of a heap file, before the backup": (
        lambda c: c.vouch(heap(c)),
        {"rows-unreadable", "unreadable", "page-damaged"},
    ),
    "a byte of an index, before the backup": (lambda c: c.vouch(index(c)), {"page-damaged"}),
    "a byte of the WAL before the reference": (
        lambda c: flip_in(c.segment_of(1), mark(1)),
        {"wal-damaged", "reference-not-reached", "wal-not-replayed"},
    ),
    "a byte of the WAL in the middle": (
        lambda c: flip_in(c.segment_of(3), mark(3)),
        {"wal-damaged", "wal-not-replayed"},
    ),
    "a byte of the last WAL": (lambda c: flip_in(c.segment_of(4), mark(4)), {"wal-damaged"}),
    "half a segment": (lambda c: cut(c.segment_of(3)), {"wal-damaged", "not-restored"}),
    "a missing segment in the middle": (lambda c: c.segment_of(3).unlink(), {"wal-gap"}),
    "a pipe in place of a segment": (lambda c: pipe(c.segment_of(3)), {"wal-gap"}),
    "a truncated heap file": (lambda c: cut(c.relation("orders")), {"file-size", "rows-missing"}),
    "a missing heap file": (lambda c: c.relation("orders").unlink(), {"file-missing", "rows-missing"}),
    "no manifest": (lambda c: (c.base / "backup_manifest").unlink(), {"half-written", "broken-off"}),
    "half a manifest": (lambda c: cut(c.base / "backup_manifest"), {"backup-unreadable", "broken-off"}),
    "an edited manifest": (
        lambda c: edit(c.base / "backup_manifest", '"Size": 3,', '"Size": 4,'),
        {"manifest-edited"},
    ),
    "no control file": (
        lambda c: (c.base / "global" / "pg_control").unlink(),
        {"backup-unreadable", "broken-off"},
    ),
    "an old backup": (
        lambda c: c.set(
            "[environments.production.backups]", '[environments.production.backups]\nmost_age = "1 s"'
        ),
        {"backup-too-old"},
    ),
    "a timeline that left before": (left_before, {"wrong-timeline", "not-restored"}),
    "no archive": (
        lambda c: shutil.rmtree(c.wal) or c.wal.mkdir(),
        {"wal-gap", "no-reference", "loss-unknown"},
    ),
    "no backup": (lambda c: shutil.rmtree(c.base), {"broken-off"}),
}


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_red_and_named(copy: Copy, name: str):
    damage, expected = FILES[name]
    damage(copy)
    found = copy.drill()
    assert found.verdict == "failed"
    assert kinds(found) == expected, found.problems


def test_rows_policies_and_sequences_that_are_not_as_they_were_are_each_named(copy: Copy):
    """All files are whole, and so is the WAL: only what production had says that it is another cluster's."""
    copy.diverge("""
        delete from public.orders where id = 7;
        update public.customers set email = 'another' where id = 3;
        truncate public.parcels;
        drop policy own on public.orders;
        alter table public.customers disable row level security;
        select setval('public.orders_id_seq', 5);
    """)
    found = copy.drill()
    assert found.verdict == "failed"
    assert {(each.kind, each.object) for each in found.problems if each.blocks} == {
        ("rows-missing", "public.orders"),
        ("rows-missing", "public.parcels"),
        ("rows-differ", "public.customers"),
        ("policy-missing", "policy public.orders.own"),
        ("table-differs", "table public.customers"),
        ("sequence-behind", "public.orders_id_seq"),
        ("sequence-behind", "public.orders_id_seq of public.orders.id"),
    }


def test_a_table_that_is_gone_is_named(copy: Copy):
    copy.diverge("drop table public.parcels")
    found = copy.drill()
    assert found.verdict == "failed"
    of_it = {each.kind for each in found.problems if each.blocks and each.object == "public.parcels"}
    assert of_it == {"table-missing"}, found.problems


def test_a_heartbeat_that_production_has_and_that_did_not_come_back_is_named(good: Shop):
    """The first heartbeat is behind the backup: what was archived since is of a cluster that had none."""
    with damaged.copied(good, production=True) as copy:
        copy.diverge("select 1")
        found = copy.drill()
    assert found.verdict == "failed"
    assert ("heartbeat-missing", "runbooks.heartbeat") in {
        (each.kind, each.object) for each in found.problems if each.blocks
    }, found.problems


def test_each_smoke_query_that_does_not_hold_is_named(copy: Copy):
    smoke = copy.shop.root / "supabase" / "smoke"
    (smoke / "error.sql").write_text("select 1 / 0;")
    (smoke / "nothing.sql").write_text("select id from public.orders where id < 0;")
    (smoke / "false.sql").write_text("select count(*) > 10000 from public.orders;")
    (smoke / "writes.sql").write_text("delete from public.orders;")
    found = copy.drill()
    assert {(each.kind, Path(each.object).name) for each in found.problems} == {
        ("smoke", "error.sql"),
        ("smoke", "nothing.sql"),
        ("smoke", "false.sql"),
        ("smoke", "writes.sql"),
    }


@pytest.mark.parametrize("more", [-200, 2], ids=["as it is copied", "as it is replayed"])
def test_a_disk_that_fills_up_is_named(copy: Copy, more: int):
    with copy.small_disk(files=sum(1 for _ in copy.base.rglob("*")) + more):
        found = copy.drill()
    assert (found.verdict, kinds(found)) == ("failed", {"disk-full"}), found.problems


def test_a_disk_with_too_little_room_is_named_before_anything_is_copied(copy: Copy):
    with copy.small_disk(files=10_000, size="200m"):
        found = copy.drill()
    assert (found.verdict, kinds(found)) == ("failed", {"disk-full"}), found.problems


def test_a_restore_that_takes_too_long_is_named(copy: Copy):
    copy.set("fsync = false", 'fsync = false\ntimeout = "0.2 s"')
    found = copy.drill()
    assert (found.verdict, kinds(found)) == ("failed", {"restore-timeout"}), found.problems


def test_an_archive_that_never_answers_is_named(copy: Copy, monkeypatch: pytest.MonkeyPatch):
    """Its program that unpacks waits for ever; it is gone with the server."""
    never = copy.home / "bin"
    never.mkdir()
    shutil.copy("/bin/sleep", never / "sleep")
    (never / "lz4").write_text(f"#!/bin/sh\nexec {never}/sleep 99999\n")
    (never / "lz4").chmod(0o755)
    monkeypatch.setenv("PATH", f"{never}:{os.environ['PATH']}")
    segment = copy.segment_of(3)
    segment.rename(segment.with_suffix(".lz4"))
    copy.set("fsync = false", 'fsync = false\ntimeout = "8 s"')
    found = copy.drill()
    assert (found.verdict, kinds(found)) == ("failed", {"restore-timeout"}), found.problems


def test_what_production_has_archived_must_be_there(good: Shop):
    with damaged.copied(good, production=True) as copy:
        copy.segment_of(4).unlink()
        found = copy.drill()
    assert (found.verdict, kinds(found)) == ("failed", {"wal-missing-at-end"}), found.problems


@pytest.mark.timeout(300 + 60 * GOOD)
def test_good_backups_pass(good: Shop):
    for _ in range(GOOD):
        good.beat()
        # Copied anew, since production archives what the drill before has written to it.
        with damaged.copied(good, production=True) as copy:
            found = copy.drill()
            assert (found.verdict, found.problems) == ("passed", ())
