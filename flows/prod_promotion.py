"""The promotion to production. Source: database-pipeline.md, "How to Promote to Production"."""

from __future__ import annotations

from ops.promotion_choices import PromotionChoices
from ops.promotion_result import Promotion
from tasks import promotion as step
from tasks import promotion_gate
from tasks.runbook import flow


@flow(name="prod-promotion", flow_run_name="Promote {project} to {environment}")
def prod_promotion(
    project: str,
    environment: str = "production",
    confirmation: str = "",
    choices: PromotionChoices = PromotionChoices(),
) -> Promotion:
    """Apply a rehearsed change to production, once somebody else has approved exactly that, and prove it there.

    **When** the change is merged and rehearsed, and the conditions of the environment hold.
    **Needs** a passing rehearsal of this very change with this environment's overlay; people who approve.
    **Touches** the production database: the pending migrations, the overlay, the `runbooks` schema.
    **If it stops halfway** run it again: it goes on with the plan that was approved, and asks nobody again.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        confirmation: The words CONFIRM PRODUCTION DEPLOYMENT, exactly.
        choices: What is known of the release, and what is to become of a plan that was begun.
    """
    plan = step.plan_promotion(project, environment, confirmation, choices)

    with step.opened(plan) as promotion:
        step.check_confirmation(promotion)
        step.check_connectivity(promotion)
        step.find_pending(promotion)
        step.refuse_bad_files(promotion)
        step.find_rehearsal(promotion)
        step.check_conditions(promotion)
        step.check_schema_version(promotion)
        step.freeze_plan(promotion)

        promotion_gate.approve(promotion)

        step.take_hold(promotion)
        step.apply_files(promotion, promotion.pending)
        step.settle(promotion)

        step.ask_gates(promotion)
        step.compare_change(promotion)
        step.check_startup(promotion)
        step.check_app_version(promotion)
        step.watch_database(promotion)
        promotion_gate.ask_checklist(promotion)

        step.document_schema(promotion)
        step.write_note(promotion)
        return promotion_gate.hand_off(promotion)
