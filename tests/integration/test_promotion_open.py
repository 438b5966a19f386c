"""A plan that is applied and not proven stays open: nothing else ends it as promoted, and nothing applies it twice."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from flows.emergency_migration import emergency_migration
from flows.schema_rollback import schema_rollback
from ops import (
    database,
    embedded,
    errors,
    kept_state,
    promotion_begun,
    promotion_plan,
    promotions,
    schema_rollback_plan,
)
from ops import schema_rollback as schema_rollback_of
from ops.audit import Event, Log
from ops.bundle import Bundle
from ops.promoting import Promoting
from ops.promotion_choices import PromotionChoices
from ops.promotions import Begun
from ops.schema_rollback import RollbackChoices
from tests import fix_repository, projects
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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("checklist = []", 'checklist = ["Look at the settings."]'),
        (
            "[environments.production.promotion]",
            'health_url = "http://127.0.0.1:9/"\n[environments.production.promotion]',
        ),
        (
            "[environments.production.promotion]",
            'after_failure = "roll-back"\n[environments.production.promotion]',
        ),
        ("[release]", '[environments.production.watch]\nduration = "PT1S"\n\n[release]'),
    ],
)
def test_with_other_proofs_than_were_approved_it_does_not_go_on(shop: Shop, before: str, after: str):
    text = (shop.root / CONFIG).read_text()
    replaced(shop, before, after)
    with pytest.raises(errors.Refused, match=r"its checklist, health, .* are not what was approved"):
        shop.promote()
    (shop.root / CONFIG).write_text(text)
    assert shop.promote().state == "not proven"


def test_a_p0_rollback_since_is_not_overwritten_by_its_rest(shop: Shop):
    shop.ask(f"delete from runbooks.journal where file = '{OVERLAY}'")
    with database.connect(shop.dsn) as connection:
        kept_state.prepare(connection)
        kept_state.keep(
            connection,
            "p0-rollback",
            "production",
            subject="providers",
            run="p0-1",
            plan_digest="x",
            items={},
        )
    with pytest.raises(errors.Refused, match="p0-rollback was run since, by p0-1, and is not put back"):
        shop.promote()


def test_what_the_audit_log_says_is_over_is_not_revived(shop: Shop):
    """As after a restore to a moment in its midst: record and journal are rewound, the audit log was put back."""
    version = SETTINGS.partition("_")[0]
    shop.ask("insert into public.settings (name, environment, value) values ('weight', 'prod', 1)")
    assert shop.promote().state == "promoted"
    shop.ask(
        "update runbooks.promotions set ended_at = null, outcome = null, applied_at = null;"
        f"delete from runbooks.journal where version = '{version}';"
        f"delete from supabase_migrations.schema_migrations where version = '{version}';"
        "drop table public.settings"
    )
    with pytest.raises(errors.Refused, match="of the audit log says that it was over"):
        shop.promote()
    assert shop.ask("select to_regclass('public.settings')") == [(None,)]


def test_its_result_is_of_the_commit_that_was_approved(shop: Shop):
    first = shop.promote()
    shop.add(
        "20260301000000_more", "create view public.more as select 1 as one;\n", "drop view public.more;\n"
    )
    fix_repository.committed(shop.root)
    shop.ask("insert into public.settings (name, environment, value) values ('weight', 'prod', 1)")
    found = shop.promote()
    assert found.state == "promoted"
    assert (found.commit, found.change_digest) == (first.commit, first.change_digest)
    assert any("not part of the plan" in each for each in found.findings)


def test_in_a_guarded_environment_nobody_gives_it_up_without_a_deployment(shop: Shop):
    replaced(
        shop, "[environments.production.promotion]", "guarded = true\n[environments.production.promotion]"
    )
    with pytest.raises(errors.Refused, match="so it gives up no plan that was begun"):
        shop.promote(abandon=True)
    assert shop.ask(ENDED) == [(None,)]


def test_a_run_does_not_give_up_its_own_plan_when_it_begins_anew(shop: Shop):
    begun = database_of(shop)
    promoting = Promoting(
        promotion_plan.promotion(str(shop.root), "production", "", PromotionChoices()), run="x"
    )
    with closing(promoting):
        promoting.bundle = Bundle(shop.root, "promotion", str(begun.kept["run"]), 2, promoting.started)
        assert not promotion_begun.may_be_given_up(promoting, begun)
        promoting.bundle = Bundle(shop.root, "promotion", "another", 1, promoting.started)
        assert promotion_begun.may_be_given_up(promoting, begun)
        log = Log.of(promoting.plan.environment, shop.root, promoting.connection)
        log.append(Event("asked", "production", "another", "promote", "plan"))
        assert not promotion_begun.may_be_given_up(promoting, begun)


def database_of(shop: Shop) -> Begun:
    """Return the plan that is under way."""
    with database.connect(shop.dsn) as connection:
        found = promotions.under_way(connection, "production")
    assert found
    return found
