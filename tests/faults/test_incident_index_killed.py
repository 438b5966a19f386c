"""kill -9 in the middle of CREATE INDEX CONCURRENTLY in an incident: run again, and one index is there, and valid."""

from __future__ import annotations

import psycopg
import pytest

from ops import incident_indexes, incident_latency
from ops.check_looks import reach
from ops.incident_indexes import Indexing
from ops.incident_latency import Act
from ops.incident_statements import check_statements
from tasks import checking as step
from tests import fix_indexes
from tests.faults import indexed
from tests.fix_checks import Checkup
from tests.fix_indexes import VALID, WHY
from tests.polling import wait_until

__all__ = ["orders"]
orders = fix_indexes.orders
BUILDING = "select pid from pg_stat_progress_create_index where datname = current_database()"
STATES = "select state from runbooks.incident_indexes"


@pytest.mark.parametrize("notices", [True, False], ids=["the server ends it too", "the server goes on"])
def test_killed_while_it_builds_it_is_built_once_and_whole(orders: Checkup, notices: bool):
    plan = incident_latency.plan(str(orders.project), "production", Act.INDEX, WHY)
    with step.opened(plan) as found:
        reach(found)
        with fix_indexes.traffic(orders.admin):
            check_statements(found)
        incident_indexes.find(Indexing(found, plan, indexed.RUN))

    with psycopg.connect(orders.admin) as writer:
        writer.execute("update public.orders set note = 'not ended' where id = 7")
        victim = indexed.begin(orders.project)
        wait_until(lambda: orders.sql(BUILDING) != [], seconds=60)
        wait_until(lambda: orders.sql(VALID) == [(False,)])
        victim.kill()
        victim.join()
        assert orders.sql(STATES) == [("begun",)]
        if notices:
            orders.sql(f"select pg_terminate_backend(pid) from ({BUILDING}) b")
            wait_until(lambda: orders.sql(BUILDING) == [])
        assert orders.sql(VALID) == [(False,)]
        writer.rollback()

    indexed.build(orders.project)
    assert orders.sql(VALID) == [(True,)]
    assert orders.sql(STATES) == [("built",)]
    assert orders.sql("select count(*) from pg_index where indrelid = 'public.orders'::regclass") == [(2,)]
    indexed.build(orders.project)
