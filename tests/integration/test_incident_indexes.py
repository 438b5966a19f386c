"""The index that an incident shows to be missing, built behind a gate, proven, kept as a migration, and taken back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from ops import (
    errors,
    incident_indexes,
    incident_indexes_act,
    incident_indexes_end,
    incident_latency,
    incident_plans,
)
from ops.check_looks import reach
from ops.checking import Checking
from ops.incident_indexes import Indexing
from ops.incident_latency import Act
from ops.incident_statements import check_statements
from tasks import checking as step
from tests import fix_indexes
from tests.fix_checks import Checkup
from tests.fix_indexes import INDEX, VALID, WHY

__all__ = ["orders"]
orders = fix_indexes.orders


@contextlib.contextmanager
def indexing(
    orders: Checkup, act: Act = Act.INDEX, run: str = "run-1", *, seen: bool = True
) -> Generator[Indexing]:
    """Look, and plan what is to be built or removed; `seen`: while the traffic goes on that shows it."""
    plan = incident_latency.plan(str(orders.project), "production", act, WHY)
    with step.opened(plan) as found:
        assert isinstance(found, Checking)
        reach(found)
        with fix_indexes.traffic(orders.admin) if seen else contextlib.nullcontext():
            check_statements(found)
        made = Indexing(found, plan, run)
        incident_indexes.find(made)
        yield made


def done(made: Indexing) -> None:
    assert incident_indexes_act.act(made, fix_indexes.quiet).ok
    proven = incident_indexes_end.prove(made)
    assert proven.ok, proven.summary


def test_it_is_built_valid_and_used_and_removed_exactly(orders: Checkup):
    with indexing(orders) as made:
        assert [each.name for each in made.items] == [INDEX]
        assert not made.begun
        done(made)
        assert "the statement's plan uses it" in incident_indexes_end.prove(made).summary
        found = incident_indexes_end.conclude(made)
    assert orders.sql(VALID) == [(True,)]
    kept = Path(found.bundle or "", incident_indexes_end.KEPT).read_text("utf-8")
    assert f'create index concurrently if not exists "{INDEX}"' in kept
    said = json.loads(Path(found.bundle or "", incident_indexes_end.RECORD).read_text("utf-8"))
    assert [each["state"] for each in said["indexes"]] == ["built"]
    with psycopg.connect(orders.admin, autocommit=True) as connection:
        connection.execute(kept.encode())

    with indexing(orders, seen=False) as again:
        assert not again.due
    with indexing(orders, Act.DROP_INDEX, "run-2", seen=False) as back:
        done(back)
    assert orders.sql(VALID) == []
    with indexing(orders, Act.DROP_INDEX, "run-3", seen=False) as over:
        assert not over.due


def test_after_the_gate_it_is_the_same_plan_though_the_traffic_is_over(orders: Checkup):
    with indexing(orders) as first:
        before = first.proposal("index").plan_digest
    with indexing(orders, seen=False) as second:
        assert second.proposal("index").plan_digest == before
        done(second)
    with indexing(orders, run="another", seen=False) as third:
        assert not third.due


def test_two_runs_that_ask_about_the_same_have_a_plan_each_and_build_it_once(orders: Checkup):
    with indexing(orders), indexing(orders, run="run-2"):
        pass
    for run in ("run-1", "run-2"):
        with indexing(orders, run=run, seen=False) as made:
            assert not made.begun
            done(made)
    assert orders.sql("select state from runbooks.incident_indexes") == [("built",), ("built",)]
    with indexing(orders, Act.DROP_INDEX, "run-3", seen=False) as back:
        done(back)
    with indexing(orders, Act.DROP_INDEX, "run-4", seen=False) as over:
        assert not over.due


def test_what_was_begun_and_not_approved_is_not_gone_on_with(orders: Checkup):
    with indexing(orders) as made:
        pass
    orders.sql("update runbooks.incident_indexes set state = 'begun'")
    with indexing(orders, run="another", seen=False) as made:
        assert made.begun
        assert not incident_indexes.verify_approved(made)
        assert "no approval of it is found" in made.proposal("index").summary
    orders.sql("update runbooks.incident_indexes set item = jsonb_set(item, '{columns}', '[\"note\"]')")
    with indexing(orders, run="another", seen=False) as made, pytest.raises(errors.Refused, match="by now"):
        incident_indexes.verify_approved(made)


def test_an_invalid_one_is_built_again_and_what_only_has_its_name_is_left_alone(orders: Checkup):
    with indexing(orders) as made:
        orders.sql(f"create index {INDEX} on public.orders (customer)")
        orders.sql(f"update pg_index set indisvalid = false where indexrelid = 'public.{INDEX}'::regclass")
        done(made)
    assert orders.sql(VALID) == [(True,)]
    orders.sql(f"drop index public.{INDEX}; create table public.{INDEX} (id int)")
    with indexing(orders, Act.DROP_INDEX, "run-2", seen=False) as back:
        found = incident_indexes_act.act(back, fix_indexes.quiet)
        assert not found.ok
        assert "something else has its name" in found.summary
    assert orders.sql(f"select count(*) from public.{INDEX}") == [(0,)]


def test_where_the_table_is_locked_nothing_is_begun(orders: Checkup):
    with indexing(orders) as made, psycopg.connect(orders.admin) as holder:
        holder.execute("lock table public.orders in share row exclusive mode")
        with pytest.raises(errors.Unavailable):
            incident_indexes_act.act(made, fix_indexes.quiet)
        holder.rollback()
        assert orders.sql(VALID) == []
        done(made)


def test_an_index_that_does_not_help_is_not_proven(orders: Checkup):
    with indexing(orders) as made:
        incident_indexes_act.act(made, fix_indexes.quiet)
        orders.sql("truncate public.orders; analyze public.orders")
        assert incident_plans.uses(made.checking, made.items[0]) is False
        proven = incident_indexes_end.prove(made)
    assert not proven.ok
    assert "does not use it" in proven.summary
    assert "drop-index" in proven.summary
