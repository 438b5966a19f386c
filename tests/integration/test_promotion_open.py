"""A plan that is applied and not proven stays open: nothing else ends it as promoted, and nothing applies it twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.emergency_migration import emergency_migration
from flows.schema_rollback import schema_rollback
from ops import embedded, errors, schema_rollback_plan
from ops import schema_rollback as schema_rollback_of
from ops.bundle import Bundle
from ops.promotion_choices import PromotionChoices
from ops.schema_rollback import RollbackChoices
from tests import projects
from tests.fix_postgres import fresh_database
from tests.releases import OVERLAY, SETTINGS, Shop

CONFIG = Path("runbooks.toml")
ENDED = "select outcome from runbooks.promotions order by id"


@pytest.fixture
def shop(tmp_path: Path, shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Its overlay does nothing, so that the release gate does not find the weight that it looks for."""
    shop = Shop(tmp_path / "shop", shaped, monkeypatch, admin=shaped_admin)
    shop.edit(OVERLAY, "select 1;\n")
    shop.rehearse()
    found = shop.promote()
    assert (found.state, len(shop.history)) == ("not proven", 4)
    return shop


def roll_back(shop: Shop, **choices: object) -> None:
    with shop.terminal("approve", "ada", ""):
        schema_rollback.fn(str(shop.root), "production", RollbackChoices.model_validate(choices))


def mend(shop: Shop, **choices: object) -> None:
    with shop.terminal("approve", "ada", ""):
        emergency_migration.fn(
            str(shop.root),
            "production",
            SETTINGS.partition("_")[0],
            "the settings are wrong",
            PromotionChoices.model_validate(choices),
        )


def replaced(shop: Shop, before: str, after: str) -> None:
    text = (shop.root / CONFIG).read_text()
    assert before in text
    (shop.root / CONFIG).write_text(text.replace(before, after))


def test_what_is_rolled_back_is_not_applied_again_unasked(shop: Shop):
    roll_back(shop, last=2, reason="the gate is not met")
    assert shop.ask(ENDED) == [("abandoned",)]
    said = shop.ask("select note from runbooks.audit_log where event = 'ended' order by id")
    assert any("was given up, since the schema is rolled back" in note for (note,) in said)
    with pytest.raises(errors.Denied):
        shop.promote("reject", "ada", "not again")
    assert shop.asked, "a plan of its own asks for an approval of its own"
    assert len(shop.history) == 2


def test_the_plan_of_the_rollback_names_the_promotion_that_it_gives_up(shop: Shop, tmp_path: Path):
    rolling = schema_rollback_of.opened(
        schema_rollback_of.plan(str(shop.root), "production", RollbackChoices(last=1))
    )
    rolling.bundle = Bundle(tmp_path, "schema-rollback", "run", 1, rolling.started)
    schema_rollback_plan.find_applied(rolling)
    assert "this gives it up" in rolling.proposal("schema-rollback").document
    assert shop.ask(ENDED) == [(None,)]


def test_what_other_hands_take_away_is_not_applied_again_unasked(shop: Shop):
    shop.ask("drop table public.settings")
    shop.ask(
        f"delete from supabase_migrations.schema_migrations where version = '{SETTINGS.partition('_')[0]}'"
    )
    with pytest.raises(
        errors.Refused, match=r"settings.sql was applied by it and is gone again, by other hands"
    ):
        shop.promote()
    assert shop.ask("select to_regclass('public.settings')") == [(None,)]


def test_an_emergency_does_not_end_it(shop: Shop):
    with pytest.raises(errors.Refused, match="only prod-promotion may end it"):
        mend(shop)
    assert shop.ask(ENDED) == [(None,)]


def test_without_its_release_gate_it_does_not_go_on(shop: Shop):
    text = (shop.root / CONFIG).read_text()
    (shop.root / CONFIG).write_text(text[: text.index("[[release.gates]]")])
    with pytest.raises(errors.Refused, match="its release gates are not what was approved"):
        shop.promote()
    (shop.root / CONFIG).write_text(text.replace("equals = 1", "equals = 0"))
    with pytest.raises(errors.Refused, match="its release gates are not what was approved"):
        shop.promote()
    assert shop.ask(ENDED) == [(None,)]
    (shop.root / CONFIG).write_text(text)
    assert shop.promote().state == "not proven"


def test_given_up_it_is_not_said_to_be_well(shop: Shop):
    found = shop.promote(abandon=True)
    assert (found.state, found.verdict) == ("given up", "failed")
    assert "never proven" in found.summary
    assert shop.promote().state == "nothing pending"


def test_another_rollback_script_is_not_what_was_approved(shop: Shop):
    script = f"supabase/rollbacks/{projects.TAGS}.down.sql"
    shop.edit(script, "drop table public.tags; drop table public.notes;\n")
    with pytest.raises(errors.Refused, match=f"{script} is not as it was approved"):
        shop.promote()


def test_on_a_copy_of_the_database_it_does_not_go_on(
    shop: Shop, server: embedded.Server, shaped_name: str, monkeypatch: pytest.MonkeyPatch
):
    with fresh_database(server, template=shaped_name) as copy:
        monkeypatch.setenv("PRODUCTION_URL", server.dsn(copy))
        with pytest.raises(
            errors.Refused, match=f"approved for the database {shaped_name} of cluster .*, and this is {copy}"
        ):
            shop.promote()
