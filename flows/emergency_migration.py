"""A corrective migration in an emergency. Source: database-pipeline.md, "Emergency Schema Fixes"."""

from __future__ import annotations

from ops.promotion_choices import PromotionChoices
from ops.promotion_result import Promotion
from tasks import emergency, promotion_gate
from tasks import promotion as step
from tasks.runbook import flow


@flow(name="emergency-migration", flow_run_name="Mend {project} on {environment} with {version}")
def emergency_migration(
    project: str,
    environment: str = "production",
    version: str = "",
    reason: str = "",
    choices: PromotionChoices = PromotionChoices(),
) -> Promotion:
    """Apply one corrective file to production through a shortened gate: rehearsed and approved like any other.

    **When** an incident needs a change of the schema, and the app cannot be rolled back instead.
    **Needs** a passing rehearsal of this change; somebody else who approves, or who reviews a broken glass.
    **Touches** the production database: one migration, the `runbooks` schema.
    **If it stops halfway** run it again: it goes on with the plan that was approved, and asks nobody again.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        version: Version of the corrective migration, the only one that is pending.
        reason: What is broken; it is part of what is approved.
        choices: What is known of the release, and what is to become of a plan that was begun.
    """
    plan = emergency.plan_emergency(project, environment, version, reason, choices)

    with step.opened(plan) as promotion:
        step.check_connectivity(promotion)
        step.find_pending(promotion)
        emergency.refuse_more(promotion)
        step.refuse_bad_files(promotion)
        step.find_rehearsal(promotion)
        step.check_conditions(promotion)
        step.freeze_plan(promotion)

        promotion_gate.approve(promotion)

        step.take_hold(promotion)
        step.apply_files(promotion, promotion.pending)
        step.settle(promotion)

        step.ask_gates(promotion)
        step.compare_change(promotion)
        step.check_startup(promotion)
        step.check_app_version(promotion)

        step.write_note(promotion)
        return promotion_gate.hand_off(promotion)
