"""The steps of a promotion."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import (
    errors,
    promoting,
    promotion_act,
    promotion_check,
    promotion_checklist,
    promotion_conditions,
    promotion_end,
    promotion_note,
    promotion_plan,
    promotion_proof,
)
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.promoting import Promoting
from ops.promotion_plan import PromotionPlan
from tasks import progress, runs
from tasks.recording import recorded
from tasks.step import step
from tasks.turns import Turns

plan_promotion = step(
    promotion_plan.promotion,
    title="Plan the promotion of {path} to {environment}",
    evidence="promotion-files",
)
check_confirmation = step(
    promotion_conditions.check_confirmation, title="Check the confirmation", evidence="confirmation"
)
check_connectivity = step(
    promotion_check.check_connectivity, title="Check connectivity", evidence="promotion-connectivity"
)
find_pending = step(
    promotion_check.find_pending, title="Find what is pending", evidence="promotion-inventory", stops=False
)
refuse_bad_files = step(
    promotion_check.refuse_bad_files, title="Refuse bad files", evidence="promotion-bad-files"
)
find_rehearsal = step(
    promotion_check.find_rehearsal, title="Find the rehearsal of this change", evidence="promotion-rehearsal"
)
check_conditions = step(
    promotion_conditions.check_conditions, title="Check the conditions of a promotion", evidence="conditions"
)
check_again = step(
    promotion_conditions.check_again, title="Check the conditions of a promotion", evidence="conditions-again"
)
check_schema_version = step(
    promotion_conditions.check_schema_version, title="Compare schema versions", evidence="schema-versions"
)
freeze_plan = step(promotion_check.freeze_plan, title="Put the plan together", evidence="promotion-plan")
take_hold = step(promotion_act.take_hold, title="Take hold of the database", evidence="promotion-hold")


def _apply_file(promoting: Promoting, migration: Migration) -> Evidence:
    """Apply one file of the plan, and show how far an index is that takes long."""
    promoting.target.progress = progress.counted()
    return promotion_act.apply_file(promoting, migration)


apply_file = step(
    _apply_file,
    title="Apply {migration.path.name}",
    evidence="promotion-applied",
    stops=False,
    retry=False,
)
apply_files = Turns(apply_file, title="Apply from {migration.path.name} on", what="files")
settle = step(
    promotion_act.settle, title="Settle what was applied", evidence="promotion-settled", stops=False
)
ask_gates = step(
    promotion_proof.ask_gates, title="Ask the release gates", evidence="release-gates", stops=False
)
compare_change = step(
    promotion_proof.compare_change,
    title="Compare the schema's change with the rehearsed one",
    evidence="schema-change",
    stops=False,
)
check_startup = step(
    promotion_proof.check_startup, title="See that the app works", evidence="app-startup", stops=False
)
check_app_version = step(
    promotion_proof.check_app_version, title="Guard the schema version", evidence="app-version", stops=False
)


def _watch(promoting: Promoting) -> Evidence:
    """Watch the database for as long as its environment says, and show how far that is."""
    return promotion_proof.watch_database(promoting, progress=progress.over("the watch"))


# It outlives a lost connection by itself, and a second watch would begin when the first one's findings are over.
watch_database = step(_watch, title="Watch the database", evidence="watched", stops=False, retry=False)
record_checklist = step(
    promotion_checklist.record,
    title="Record the post-deployment checklist",
    evidence="post-deployment",
    stops=False,
)
document_schema = step(promotion_end.document_schema, title="Document the schema", evidence="schema-page")
write_note = step(
    promotion_end.write_note, title="Write the release note", evidence="release-note", stops=False
)
hand_off = step(
    promotion_end.hand_off,
    title="Hand off the promotion",
    evidence="promotion-verdict",
    # Whatever it says, the audit log and the record come after it.
    stops=False,
    shown=promotion_note.verdict,
)
end_record = step(promotion_end.end_record, title="End the record of the promotion")
hand_off_broken = step(
    promotion_end.hand_off_broken,
    title="Hand off what there is of the promotion",
    evidence="promotion-broken-off",
    stops=False,
    retry=False,
    shown=promotion_note.verdict,
)


def opened(plan: PromotionPlan) -> AbstractContextManager[Promoting]:
    """Open the promotion and the run's bundle; whatever ends the block, the bundle is sealed.

    Raises:
        Refused: a plan is to be given up in a guarded environment, and this run has no deployment.
    """
    where = plan.environment
    if plan.choices.abandon and where.guarded and not runs.current().suspends:
        raise errors.Refused(
            f"The environment {where.name!r} is guarded, and this run has no deployment, so it gives up no plan that "
            "was begun. Start it from the Prefect UI, or with runbooks run."
        )
    return recorded(partial(promoting.opened, plan), kind="promotion", out=plan.out, broken=hand_off_broken)
