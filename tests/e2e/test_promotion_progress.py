"""How far a long index is, as a person sees it in the Prefect UI while the promotion builds it."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey

from tests.fix_promotion import Production
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
WAITING = "sessions of notes_body_idx: waiting for old snapshots"


def progress(production: Production, run: UUID) -> list[tuple[float, str]]:
    shown = production.client.read_artifacts(
        artifact_filter=ArtifactFilter(
            flow_run_id=ArtifactFilterFlowRunId(any_=[run]), key=ArtifactFilterKey(any_=["progress"])
        )
    )
    return [(float(str(each.data)), each.description or "") for each in shown]


def test_an_index_that_waits_for_an_old_transaction_shows_it(production: Production):
    production.shop.add(
        "20260301000000_index",
        "create index concurrently notes_body_idx on public.notes (body);\n",
        "drop index concurrently public.notes_body_idx;\n",
    )
    assert production.shop.rehearse().ok
    run = production.promote()
    production.request(run, "ada")
    with psycopg.connect(production.shop.admin_dsn) as old:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        old.execute("select 1")
        production.decide(run, "grace")
        wait_until(lambda: (0.0, f"0 of 1 {WAITING}") in progress(production, run), seconds=120)
        old.rollback()
    assert production.ended(run) == "Completed", production.message(run)
    assert (100.0, f"1 of 1 {WAITING}") in progress(production, run)
