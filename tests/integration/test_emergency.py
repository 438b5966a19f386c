"""A corrective file in an emergency: what is waived for it, and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.emergency_migration import emergency_migration
from ops import errors
from ops.promotion_choices import PromotionChoices
from ops.promotion_result import Promotion
from tests.releases import Shop

FIX = "20260301120000"
REASON = "notes cannot be written"


@pytest.fixture
def shop(tmp_path: Path, shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Everything but the corrective file is in production."""
    shop = Shop(tmp_path / "shop", shaped, monkeypatch, admin=shaped_admin)
    for path in sorted((shop.root / "supabase" / "migrations").iterdir()):
        shop.push(str(path.relative_to(shop.root)))
    shop.without_overlay()
    shop.add(
        f"{FIX}_fix",
        "alter table public.notes add column fixed bool;\n",
        "alter table public.notes drop column fixed;\n",
    )
    return shop


def promotion(shop: Shop, *lines: str) -> None:
    """Set these conditions of a promotion."""
    path = shop.root / "runbooks.toml"
    head = "[environments.production.promotion]\n"
    path.write_text(path.read_text().replace(head, head + "".join(f"{line}\n" for line in lines)))


def mend(shop: Shop, *, reason: str = REASON, **choices: Any) -> Promotion:
    with shop.terminal("approve", "ada", ""):
        chosen = PromotionChoices.model_validate(choices)
        found = emergency_migration.fn(str(shop.root), "production", FIX, reason, chosen)
    assert isinstance(found, Promotion)
    return found


def test_what_takes_time_is_said_and_not_waited_for(shop: Shop):
    promotion(
        shop,
        'window = ["mon 00:00-00:01"]',
        'incident_query = "select 1"',
        "require_p0 = true",
        'soak = "production"',
    )
    path = shop.root / "runbooks.toml"
    path.write_text(path.read_text().replace("require_merged = false", "require_merged = true"))
    shop.rehearse()
    found = mend(shop)
    assert (found.state, shop.history[-1]) == ("promoted", FIX)
    waived = {each.name for each in found.checks if each.ok is None}
    assert {"window", "incident", "p0 rollback", "soak"} <= waived
    assert any("It does not hold this plan up" in each for each in found.findings)
    assert found.plan
    assert found.plan.emergency == REASON


def test_without_a_rehearsal_it_is_refused(shop: Shop):
    with pytest.raises(errors.Refused, match="Nothing is promoted without it"):
        mend(shop)
    assert FIX not in shop.history


def test_without_a_recent_backup_it_is_refused(shop: Shop):
    promotion(shop, "backup_query = \"select now() - interval '3 days'\"")
    shop.rehearse()
    with pytest.raises(errors.Refused, match="backup"):
        mend(shop)
    assert FIX not in shop.history


def test_it_brings_nothing_else_and_has_a_reason(shop: Shop):
    shop.add("20260302000000_more", "select 1;\n", "select 1;\n")
    shop.rehearse()
    with pytest.raises(errors.Refused, match="an emergency brings one corrective file and nothing else"):
        mend(shop)
    with pytest.raises(errors.Refused, match="is recorded with its reason"):
        mend(shop, reason="x")
    assert FIX not in shop.history


def test_rejected_it_applies_nothing(shop: Shop):
    shop.rehearse()
    with shop.terminal("reject", "ada", "not now"):
        emergency_migration.fn(str(shop.root), "production", FIX, REASON, PromotionChoices())
    assert FIX not in shop.history
