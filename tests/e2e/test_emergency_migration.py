"""The emergency migration through a real Prefect: one file, the shortened gate, and nothing around it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.fix_promotion import Production

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
FIX = "20260301120000"
REASON = "notes cannot be written"


def mend(production: Production, **parameters: Any) -> UUID:
    return production.run(
        "emergency-migration/production", **{"version": FIX, "reason": REASON, **parameters}
    )


def corrected(production: Production) -> None:
    """Everything but the corrective file is in production, and the file is rehearsed."""
    shop = production.shop
    for path in sorted((shop.root / "supabase" / "migrations").iterdir()):
        shop.push(str(path.relative_to(shop.root)))
    shop.without_overlay()
    shop.add(
        f"{FIX}_fix",
        "alter table public.notes add column fixed bool;\n",
        "alter table public.notes drop column fixed;\n",
    )
    assert shop.rehearse().ok


def test_one_person_breaks_the_glass_and_the_file_is_applied_once(production: Production):
    corrected(production)
    run = mend(production)
    production.request(run, "ada")
    assert f"EMERGENCY: {REASON}" in production.question(run)
    production.decide(run, "grace", decision="break-glass", note="everybody else is asleep")
    assert production.ended(run) == "Completed", production.message(run)
    assert production.result(run).decision.broken_glass
    assert production.shop.history[-1] == FIX
    assert any("broke the glass" in each for each in production.told)

    again = mend(production)
    assert production.ended(again) == "Completed"
    assert production.result(again).state == "nothing pending"


def test_what_else_is_pending_and_a_missing_reason_are_refused(production: Production):
    corrected(production)
    production.shop.add("20260302000000_more", "select 1;\n", "select 1;\n")
    bringing_more = mend(production)
    assert production.ended(bringing_more) == "Failed"
    assert "an emergency brings one" in production.message(bringing_more)
    unfounded = mend(production, reason="")
    assert production.ended(unfounded) == "Failed"
    assert "recorded with its reason" in production.message(unfounded)


def test_a_rejection_keeps_production_as_it_is(production: Production):
    corrected(production)
    run = mend(production)
    production.request(run, "ada")
    production.decide(run, "grace", decision="reject", note="roll the app back instead")
    assert production.ended(run) == "Rejected"
    assert FIX not in production.shop.history
