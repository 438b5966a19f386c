"""What a drill measures against the objectives, and what must be there at the target: each miss is red and named."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from ops.drill import Drilled
from tests.drills import Shop, kinds
from tests.fix_backups import living


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop]:
    """Production with a backup, a reference, and WAL behind both in which a policy is dropped."""
    with living(timeout=3600, settings={"autovacuum": "off"}) as live:
        made = Shop.at(live, tmp_path_factory.mktemp("shop"), rpo="2 h")
        made.back_up()
        live.ask("drop policy own on public.orders")
        made.beat()
        live.archive()
        yield made


@pytest.fixture
def config(shop: Shop) -> Generator[Path]:
    """The configuration, which is as it was after the test."""
    path = shop.root / "runbooks.toml"
    text = path.read_text()
    yield path
    path.write_text(text)


def edit(config: Path, old: str, new: str) -> None:
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))


def named(found: Drilled) -> set[tuple[str, str]]:
    return {(each.kind, each.object) for each in found.problems if each.blocks}


def test_a_restore_that_takes_longer_than_its_objective_is_named(shop: Shop, config: Path):
    shop.set(rto="0.01 s")
    edit(config, "fsync = false", "fsync = true")
    found = shop.drill()
    assert (found.verdict, named(found)) == ("failed", {("rto-missed", "rto")}), found.problems
    assert found.rto is not None
    assert found.rto > 0.01
    assert "The restore took" in found.summary
    assert shop.log()[-1]["problems"] == ["rto-missed"]
    assert shop.log()[-1]["rto"] == found.took


def test_what_is_too_slow_even_without_fsync_is_named_though_it_is_no_rto(shop: Shop, config: Path):
    shop.set(rto="0.01 s")
    found = shop.drill()
    assert (found.verdict, kinds(found)) == ("failed", {"rto-missed"}), found.problems
    assert found.rto is None
    assert "even with fsync off" in found.summary


def test_an_archive_timeout_by_which_more_can_be_lost_is_named(shop: Shop, config: Path):
    """Production archives at least once an hour."""
    shop.set(rpo="59 min")
    found = shop.drill()
    assert (found.verdict, named(found)) == ("failed", {("archive-timeout", "archive_timeout")}), (
        found.problems
    )
    assert "archive_timeout is 60 min" in found.summary


def test_a_policy_that_was_dropped_after_the_reference_is_named(shop: Shop, config: Path):
    """Production itself has lost it too, and so says nothing: where it cannot be asked, the reference does."""
    assert shop.drill().verdict == "passed"
    shop.alone()
    found = shop.drill()
    assert (found.verdict, named(found)) == (
        "failed",
        {("policy-missing", "policy public.orders.own")},
    ), found.problems


def test_a_policy_that_only_production_has_is_named(shop: Shop):
    live = shop.live
    live.ask("create policy later on public.customers for select to authenticated using (true)")
    try:
        found = shop.drill()
    finally:
        live.ask("drop policy later on public.customers")
    assert (found.verdict, named(found)) == (
        "failed",
        {("policy-missing", "policy public.customers.later")},
    ), found.problems


@pytest.mark.parametrize("asked", [True, False], ids=["production says so", "the backup alone"])
def test_a_critical_table_that_nobody_has_any_more_is_named(shop: Shop, config: Path, asked: bool):
    edit(config, "fsync = false", 'fsync = false\ntables = ["orders", "payments"]')
    if not asked:
        shop.alone()
    found = shop.drill()
    assert found.verdict == "failed"
    assert ("table-missing", "payments") in named(found), found.problems
    # What comes after it is not left out.
    assert found.rpo is not None


def test_a_critical_table_that_only_production_has_is_named(shop: Shop):
    live = shop.live
    live.ask("create table public.invoices (id bigint primary key)")
    try:
        found = shop.drill()
    finally:
        live.ask("drop table public.invoices")
    assert (found.verdict, named(found)) == (
        "failed",
        {("table-missing", "public.invoices")},
    ), found.problems
