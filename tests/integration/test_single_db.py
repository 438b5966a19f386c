"""The example's single-db rollout: one flow, another environment, with its P0 rollback rehearsed on a clone before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from flows.p0_rollback import p0_rollback
from ops import errors
from ops.p0_choices import P0Choices
from tests.releases import Shop

EXAMPLE = Path(__file__).parents[2] / "examples" / "storefront"


@pytest.fixture
def shop(tmp_path: Path, shaped: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The example as it is, except that nothing proves who decides and no backup is made."""
    found = Shop(tmp_path / "other", shaped, monkeypatch)
    found.root = tmp_path / "storefront"
    shutil.copytree(EXAMPLE, found.root)
    path = found.root / "runbooks.toml"
    path.write_text(path.read_text().replace("guarded = true\n", "") + "\n[release]\nchecklist = []\n")
    monkeypatch.setenv("SINGLE_DATABASE_URL", shaped)
    monkeypatch.setenv("APP_SCHEMA_VERSION", "1.0.0")
    monkeypatch.setenv("STOREFRONT_BACKUP", str(path))
    return found


def test_nothing_is_promoted_before_the_p0_rollback_was_rehearsed_on_a_clone(shop: Shop):
    assert shop.rehearse(overlay="single-db").ok
    with pytest.raises(errors.Refused, match="P0 rollback of this change has not been done"):
        shop.promote(environment="single-db")

    rehearsed = p0_rollback.fn(str(shop.root), "single-db", P0Choices(rehearse=True))
    assert rehearsed.ok, rehearsed.summary
    found = shop.promote(environment="single-db")
    assert found.state == "promoted", found.summary
    gates = next(each.summary for each in found.checks if each.name == "release gates")
    assert "single-db" in gates
    counts = (
        "select count(*) filter (where environment = 'prod' and is_default),"
        " count(*) filter (where environment <> 'prod' and enabled) from public.ai_provider_configs"
    )
    assert shop.ask(counts) == [(1, 0)]


def test_the_providers_as_they_were_are_kept(shop: Shop):
    shop.rehearse(overlay="single-db")
    p0_rollback.fn(str(shop.root), "single-db", P0Choices(rehearse=True))
    shop.promote(environment="single-db")
    before = shop.ask(
        "select provider, enabled from public.ai_provider_configs where environment = 'prod' order by 1"
    )
    overlay = shop.root / "db/migrations/releases/phase2/20260215205300_phase2_provider_config_single_db.sql"
    overlay.write_text(overlay.read_text() + "-- once more\n")
    shop.rehearse(overlay="single-db")
    with pytest.raises(errors.Refused, match="P0 rollback of this change has not been done"):
        shop.promote(environment="single-db")
    p0_rollback.fn(str(shop.root), "single-db", P0Choices(rehearse=True))
    found = shop.promote(environment="single-db")
    assert found.state == "promoted", found.summary
    kept = json.loads((Path(found.bundle or "") / "providers_before.json").read_text())
    rows = [(row["provider"], row["enabled"]) for row in kept.values() if row["environment"] == "prod"]
    assert sorted(rows) == [(name, "true" if enabled else "false") for name, enabled in before]
