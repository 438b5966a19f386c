"""A corrective file in an emergency: the promotion of one file through a shortened gate, and never around it.

Source: database-pipeline.md, "Emergency Schema Fixes".
"""

from __future__ import annotations

from ops import confirmation, errors, promotion_plan, reasons
from ops.evidence import Evidence
from ops.promoting import Promoting
from ops.promotion_choices import PromotionChoices
from ops.promotion_plan import PromotionPlan


def plan(path: str, environment: str, version: str, reason: str, choices: PromotionChoices) -> PromotionPlan:
    """Read the project and say what the promotion of one corrective file would do; reads files only.

    Raises:
        Refused: no reason is given, there is no such migration, or the configuration has a mistake.
    """
    reasons.verify(reason, what="An emergency migration", why="what is broken")
    found = promotion_plan.promotion(path, environment, confirmation.WORDS, choices)
    if version not in {each.version for each in found.migrations}:
        newest = found.migrations[-1].version
        raise errors.Refused(
            f"The project has no migration {version!r}; the newest is {newest!r}. Nothing was started. Make one with "
            "`supabase migration new emergency_...`, and write the corrective SQL and its rollback."
        )
    return found.model_copy(
        update={
            "emergency": reason.strip(),
            "emergency_version": version,
            "summary": f"Emergency: {reason.strip()}",
        }
    )


def refuse_more(promoting: Promoting) -> Evidence:
    """Refuse an emergency that would bring along anything but its one file.

    Raises:
        Refused: other files are pending.
    """
    version = promoting.plan.emergency_version
    others = [each.file for each in promoting.pending if each.overlay or each.version != version]
    if others:
        raise errors.Refused(
            f"{len(others)} other files are pending as well, the first is {others[0]}: an emergency brings one "
            "corrective file and nothing else, so nothing was applied. Check out the commit that production has, and "
            "add the corrective file to it."
        )
    begun = promoting.begun
    if begun and version not in {each.version for each in begun.plan.files}:
        raise errors.Refused(
            f"Another emergency is under way: plan {begun.plan_digest[:8]}, begun by {begun.run} for "
            f"{begun.plan.files[0].file}. It must come to its end first, so nothing was applied. Run it again with its "
            "version, or give it up with the choice `abandon`."
        )
    if promoting.idle:
        return Evidence(ok=True, summary=f"Version {version} is in place already.", idle=True)
    return Evidence(ok=True, summary=f"{version} is all that is pending.")
