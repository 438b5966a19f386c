"""Restore drills on a real cluster, with its real backups and its real archive."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

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
    assert 0 < entry["rto"] < 1800
    assert 0 <= entry["rpo"] < 300
    ((logged,),) = shop.live.ask("select entry->>'verdict' from runbooks.drills")
    assert logged == "passed"
    assert set(Path(tempfile.gettempdir()).glob("runbooks-pg-*")) == before
    assert found.bundle
    assert Path(found.bundle, "drills.png").read_bytes().startswith(b"\x89PNG")


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
