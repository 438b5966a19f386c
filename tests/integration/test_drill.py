"""Restore drills on a real cluster, with its real backups and its real archive."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests import fix_backups
from tests.drills import Shop, kinds
from tests.fix_backups import Live


@pytest.fixture
def shop(live: Live, tmp_path: Path) -> Shop:
    """Production with an app, a base backup, a reference and a heartbeat, all of it archived."""
    made = Shop.at(live, tmp_path)
    made.back_up()
    return made


def test_a_good_backup_passes_is_logged_and_leaves_nothing_but_the_log(shop: Shop):
    before = set(Path(tempfile.gettempdir()).glob("runbooks-pg-*"))
    found = shop.drill()
    assert (found.verdict, kinds(found)) == ("passed", set()), found.problems
    (entry,) = shop.log()
    assert (entry["verdict"], entry["backup"], entry["problems"]) == (
        "passed",
        "b1",
        [],
    )
    # Without fsync the time is no RTO.
    assert (entry["rto"], entry["rto_with_fsync"]) == (None, False)
    assert 0 < entry["took"] < 1800
    assert "fsync off is none" in found.summary
    assert 0 <= entry["rpo"] < 300
    ((logged,),) = shop.live.ask("select entry->>'verdict' from runbooks.drills")
    assert logged == "passed"
    assert set(Path(tempfile.gettempdir()).glob("runbooks-pg-*")) == before
    assert found.bundle
    assert Path(found.bundle, "drills.png").read_bytes().startswith(b"\x89PNG")


def test_an_incremental_backup_is_put_together_with_those_on_which_it_builds(tmp_path: Path):
    with fix_backups.living(settings={"summarize_wal": "on"}) as live:
        shop = Shop.at(live, tmp_path)
        full = live.base_backup("1-full")
        live.ask("update public.orders set total = total + 1 where id < 50")
        shop.back_up("2-incremental", f"--incremental={full / 'backup_manifest'}")
        found = shop.drill()
    assert (found.verdict, found.backup) == ("passed", "2-incremental"), found.problems
    assert found.timings
    assert found.timings.restore


@pytest.mark.parametrize("packed", [(), ("--gzip",)], ids=["plain", "gz"])
def test_a_backup_of_tar_files_is_restored(shop: Shop, packed: tuple[str, ...]):
    shop.back_up("b2-tar", "--format=tar", *packed)
    found = shop.drill()
    assert (found.verdict, found.backup) == ("passed", "b2-tar"), found.problems


def test_a_point_in_time_is_exact(shop: Shop):
    shop.live.ask("insert into public.orders (customer_id, total, note) values (1, 2, 'before')")
    at = shop.live.now()
    shop.live.ask("insert into public.orders (customer_id, total, note) values (1, 3, 'after')")
    shop.live.archive()
    found = shop.drill(target=at.isoformat())
    assert (found.verdict, kinds(found)) == ("passed", set()), found.problems


def test_a_time_after_the_last_commit_is_recovered_as_latest(shop: Shop):
    found = shop.drill(target=shop.live.now().isoformat())
    assert found.verdict == "passed", found.problems
