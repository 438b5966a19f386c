"""A plan that is begun: what becomes of it when a file fails, when it is run again, when something has changed."""

from __future__ import annotations

import inspect
from pathlib import Path

import psycopg
import pytest

from flows.prod_promotion import prod_promotion
from ops import errors, journal
from ops.promotion_choices import PromotionChoices
from ops.promotion_result import Promotion
from tasks import runbook
from tests import projects
from tests.releases import CONFIRMATION, OVERLAY, Shop

UNIQUE = "create unique index notes_body_idx on public.notes (body);\n"
NOTES, TAGS, COLOURS = (
    f"supabase/migrations/{key}.sql" for key in (projects.NOTES, projects.TAGS, projects.COLOURS)
)


@pytest.fixture
def shop(tmp_path: Path, shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Its third file fails where notes have the same text twice, which they have in production alone."""
    shop = Shop(tmp_path / "shop", shaped, monkeypatch, admin=shaped_admin)
    shop.edit(COLOURS, UNIQUE)
    shop.edit(f"supabase/rollbacks/{projects.COLOURS}.down.sql", "drop index public.notes_body_idx;\n")
    assert shop.rehearse().ok
    return shop


def statuses(found: Promotion) -> dict[str, str]:
    return {Path(each.file).name.split("_")[0]: each.status for each in found.files}


def half(shop: Shop) -> Promotion:
    """Promote until the third file stumbles over a row that only production has."""
    shop.ask("create table public.switch as select true as stands")
    shop.ask(
        "create function public.double_it() returns event_trigger language plpgsql as $$ begin"
        " if (select stands from public.switch) and to_regclass('public.tags') is not null then"
        " insert into public.notes (owner, body) values (gen_random_uuid(), 'note 1'); end if; end $$"
    )
    shop.admin(
        "create event trigger double_it on ddl_command_end when tag in ('CREATE TABLE')"
        " execute function public.double_it()"
    )
    found = shop.promote()
    shop.ask("update public.switch set stands = false")
    return found


def mend(shop: Shop) -> None:
    shop.ask("delete from public.notes where id > 5")


def test_what_was_applied_before_a_failure_stays_and_the_run_says_so(shop: Shop):
    found = half(shop)
    assert (found.state, found.verdict) == ("kept half", "failed")
    assert statuses(found) == {
        "20260101000000": "applied",
        "20260102000000": "applied",
        "20260103000000": "failed",
        "20260104000000": "not reached",
        "20260104000100": "not reached",
    }
    assert "23505" in found.summary
    assert "stays" in found.summary
    assert shop.history == ["20260101000000", "20260102000000"]


def test_a_begun_plan_goes_on_when_the_rows_are_mended_and_asks_nobody(shop: Shop):
    first = half(shop)
    mend(shop)
    found = shop.promote("nobody is asked")
    assert shop.asked == []
    assert (found.state, found.plan_digest) == ("promoted", first.plan_digest)
    assert statuses(found)["20260101000000"] == "applied before"
    assert found.decision.by == ("ada",)
    assert len(shop.history) == 4


def test_what_was_applied_is_rolled_back_by_proven_scripts_where_the_environment_says_so(shop: Shop):
    shop.configure('after_failure = "roll-back"')
    shop.rehearse()
    found = half(shop)
    assert (found.state, shop.history) == ("rolled back", [])
    assert {each.file for each in found.files if each.status == "rolled back"} == {NOTES, TAGS}
    assert shop.ask("select to_regclass('public.notes')") == [(None,)]
    assert shop.ask("select outcome from runbooks.promotions") == [("rolled-back",)]


def test_where_a_rollback_was_not_proven_the_run_says_what_is_left(shop: Shop):
    shop.configure('after_failure = "roll-back"')
    (shop.root / "supabase" / "rollbacks" / f"{projects.NOTES}.down.sql").unlink()
    shop.rehearse()
    found = half(shop)
    assert found.state == "kept half"
    assert shop.history == ["20260101000000"]
    assert "has no rollback script" in next(c.summary for c in found.checks if c.name == "settled")


def test_a_file_that_was_edited_stops_a_begun_plan_until_it_is_given_up(shop: Shop):
    half(shop)
    shop.edit(COLOURS, "create index notes_body_idx on public.notes (body);\n")
    shop.rehearse()
    with pytest.raises(errors.Refused, match=r"can not go on: .*colours.sql is another file now"):
        shop.promote()
    assert shop.history == ["20260101000000", "20260102000000"]
    found = shop.promote(abandon=True)
    assert len(shop.asked) == 3
    assert found.state == "promoted"
    assert shop.ask("select outcome from runbooks.promotions order by id") == [("abandoned",), ("promoted",)]
    said = shop.ask("select note from runbooks.audit_log where event = 'ended' order by id")
    assert [note for (note,) in said if "was given up" in note] != []


def test_other_hands_that_change_the_schema_stop_a_begun_plan(shop: Shop):
    half(shop)
    shop.ask("alter table public.notes add column theirs int")
    with pytest.raises(
        errors.Refused, match=r"other hands have changed the schema since: column public.notes.theirs"
    ):
        shop.promote()


def test_other_hands_that_apply_the_rest_stop_a_begun_plan(shop: Shop):
    half(shop)
    shop.ask(
        "insert into supabase_migrations.schema_migrations (version, name) values ('20260104000000', 'settings')"
    )
    with pytest.raises(errors.Refused, match="Other hands have applied 20260104000000"):
        shop.promote()


def test_conditions_that_do_not_hold_any_more_are_said_and_do_not_hold_up_a_begun_plan(shop: Shop):
    half(shop)
    mend(shop)
    shop.configure("", 'window = ["mon 00:00-00:01"]\ntimezone = "UTC"')
    found = shop.promote()
    assert found.state == "promoted"
    assert any("window" in each for each in found.findings)


def test_a_change_between_the_approval_and_the_act_is_seen_by_name(shop: Shop):
    with (
        shop.terminal("approve", "ada", "", meanwhile=lambda: _push(shop)),
        pytest.raises(
            errors.Refused, match=r"changed by other hands since the plan was approved: .*public.theirs"
        ),
    ):
        shop.run()
    assert shop.ask("select to_regclass('public.notes')") == [(None,)]


def test_a_rehearsal_that_is_spoilt_while_the_question_is_open_is_seen(shop: Shop):
    def spoil() -> None:
        for path in (shop.root / "artifacts").rglob("rehearsal.json"):
            path.write_text(path.read_text() + " ")

    with (
        shop.terminal("approve", "ada", "", meanwhile=spoil),
        pytest.raises(errors.Refused, match="cannot be relied on"),
    ):
        shop.run()
    assert shop.ask("select to_regclass('public.notes')") == [(None,)]


def test_an_incident_that_begins_while_the_question_is_open_stops_it(shop: Shop):
    shop.ask("create table public.incidents (id int)")
    shop.configure("", 'incident_query = "select id from public.incidents"')
    shop.rehearse()

    def begins() -> None:
        shop.ask("insert into public.incidents values (7)")

    with (
        shop.terminal("approve", "ada", "", meanwhile=begins),
        pytest.raises(errors.Refused, match=r"incident: .* Nothing was applied"),
    ):
        shop.run()
    assert shop.ask("select to_regclass('public.notes')") == [(None,)]


def _push(shop: Shop) -> None:
    shop.ask("create table public.theirs (id int)")


def test_without_prefect_too_the_audit_log_has_what_came_of_what_was_approved(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runbook, "_plain", True)
    plain = runbook.flow()(inspect.unwrap(prod_promotion.fn))
    choices = PromotionChoices(no_incident="no active incident")
    with shop.terminal("approve", "ada", "", meanwhile=lambda: _push(shop)), pytest.raises(errors.Refused):
        plain.fn(str(shop.root), "production", CONFIRMATION, choices)
    said = shop.ask(
        "select event, details -> 'ok' from runbooks.audit_log where event <> 'asked' order by id"
    )
    assert said == [("approved", None), ("ended", False)]


def test_half_of_it_applied_by_hand_between_the_approval_and_the_act_is_seen(shop: Shop):
    def by_hand() -> None:
        shop.ask(projects.CREATE_NOTES)

    with shop.terminal("approve", "ada", "", meanwhile=by_hand), pytest.raises(errors.Refused):
        shop.run()
    assert shop.ask("select to_regclass('public.tags')") == [(None,)]


def test_a_second_operator_is_refused_by_the_name_of_the_first(shop: Shop):
    with journal.held(shop.dsn, "promotion-first"), pytest.raises(errors.Refused, match="promotion-first"):
        shop.promote()
    assert shop.ask("select to_regclass('public.notes')") == [(None,)]


def test_a_lock_that_is_not_to_be_had_is_tried_for_again(shop: Shop):
    shop.configure('lock_timeout = "PT0.2S"')
    shop.rehearse()
    half(shop)
    mend(shop)
    with psycopg.connect(shop.dsn) as other:
        other.execute("lock table public.notes in share row exclusive mode")
        found = shop.promote()
    failed = next(each for each in found.files if each.status == "failed")
    assert (failed.attempts, failed.error and failed.error.sqlstate) == (3, "55P03")
    assert shop.promote().state == "promoted"


def test_the_first_promotion_takes_what_others_have_applied_and_says_so(shop: Shop):
    shop.push(NOTES)
    found = shop.promote()
    assert found.state == "promoted"
    assert found.plan
    assert found.plan.adopted == ("20260101000000",)
    assert any("applied by other hands" in each for each in found.findings)


def test_later_other_hands_are_refused_until_an_approval_covers_them(shop: Shop):
    shop.promote()
    shop.add(
        "20260201000000_theirs",
        "create view public.theirs as select 1 as one;\n",
        "drop view public.theirs;\n",
    )
    shop.add(
        "20260202000000_ours", "create view public.ours as select 1 as one;\n", "drop view public.ours;\n"
    )
    shop.rehearse()
    shop.push("supabase/migrations/20260201000000_theirs.sql")
    with pytest.raises(errors.Refused, match="Other hands have applied 20260201000000"):
        shop.promote()
    assert shop.promote(adopt=True).state == "promoted"
    assert shop.promote().state == "nothing pending"


def test_an_overlay_alone_is_promoted_again_when_it_has_changed(shop: Shop):
    shop.promote()
    shop.edit(OVERLAY, "update public.settings set value = 90 where name = 'weight';\n")
    shop.rehearse()
    found = shop.promote()
    assert [each.file for each in found.files] == [OVERLAY]
    assert shop.ask("select value from public.settings") == [(90,)]


def test_a_record_that_nobody_has_approved_lets_nothing_through(shop: Shop):
    half(shop)
    mend(shop)
    shop.admin("alter table runbooks.audit_log disable trigger append_only")
    shop.admin("update runbooks.audit_log set actor = 'somebody' where event = 'approved'")
    with pytest.raises(errors.Refused, match="has no approval of it that holds"):
        shop.promote()
    assert shop.history == ["20260101000000", "20260102000000"]


def test_a_guarded_plan_goes_on_in_a_deployment_only(shop: Shop):
    half(shop)
    mend(shop)
    shop.configure("guarded = true")
    with pytest.raises(errors.Refused, match="is guarded, and this run has no deployment"):
        shop.promote()
    assert shop.history == ["20260101000000", "20260102000000"]
