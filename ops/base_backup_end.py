"""The end of a run that made a base backup: what there is now, in its bundle."""

from __future__ import annotations

from ops import errors
from ops.base_backup import Taken, Taking

RESULT = "base-backup.json"


def hand_off(taking: Taking) -> Taken:
    """Write down what was made, and what is wrong with the archiving by which it lives."""
    plan, backup = taking.plan, taking.backup
    if backup is None:
        raise errors.CheckFailed("No backup was made by this run.")
    wrong = [problem.said for problem in taking.problems]
    wrong += [] if taking.archived else ["Its WAL is not archived, so that it cannot be restored yet."]
    result = Taken(
        ok=not wrong,
        summary=f"{plan.project.name} on {plan.environment.name}: {backup.id} is made and verified"
        f"{'. But: ' + ' '.join(wrong) if wrong else ', and the WAL that it needs is archived.'}",
        rows=tuple({"what": each.kind, "said": each.said, "todo": each.todo} for each in taking.problems),
        backup=backup,
        removed=taking.removed,
        problems=tuple(taking.problems),
        bundle=str(taking.bundle.path) if taking.bundle else None,
    )
    if taking.bundle:
        taking.bundle.write_json(RESULT, result.model_dump(mode="json", exclude={"rows", "idle", "bundle"}))
        taking.bundle.seal()
    taking.concluded = result
    return result
