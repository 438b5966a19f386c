"""The rollback of a migration that an incident suspects: which one, and what schema-rollback is told.

Source: supabase-operations.md, "Availability / Latency Degradation".
"""

from __future__ import annotations

import json
from typing import Any

from ops import check_end, errors, incident_suspects
from ops.checked import Checked
from ops.checking import Checking
from ops.evidence import Evidence
from ops.incident_latency import LatencyPlan

RECORD = "rollback.json"


class Rollback(Evidence):
    """What schema-rollback is started with; it asks at its own gate, and proves what it has done."""

    deployment: str
    command: str
    parameters: dict[str, Any]


def plan(checking: Checking, plan: LatencyPlan) -> Rollback:
    """Say which migration goes, with what came after it: the one that was asked for, or the one that was applied last.

    Raises:
        Refused: it is not among what this tool has applied of late, or it cannot be rolled back.
        Unavailable: the database does not answer.
    """
    where = plan.environment.name
    done = [each for each in incident_suspects.ask(checking) or [] if each.applied]
    chosen = next((each for each in done if plan.suspect in ("", each.version)), None)
    if chosen is None:
        known = ", ".join(each.version for each in done) or "nothing"
        raise errors.Refused(
            f"{plan.suspect or 'A migration'} is not among what this tool has applied on {where} of late and is "
            f"applied still ({known}), so no rollback was started. Name one of these, or none."
        )
    if chosen.choices is None:
        raise errors.Refused(
            f"Nothing is applied below {chosen.version}, so there is nothing to roll back to. Take it back with "
            f"runbooks run schema-rollback/{where}, which is told how many go."
        )
    choices = {**chosen.choices, "reason": f"{plan.reason} (suspect of an incident: {chosen.file})"}
    return Rollback(
        ok=True,
        summary=f"To roll {chosen.file} back on {where}, with what came after it, down to {chosen.below}.",
        rows=(
            {
                "migration": chosen.file,
                "applied": chosen.at.isoformat(),
                "by": chosen.run,
                "down to": chosen.below,
            },
        ),
        deployment=f"schema-rollback/{where}",
        command=incident_suspects.command(chosen, where),
        parameters={"project": str(plan.project.root), "environment": where, "choices": choices},
    )


def conclude(checking: Checking, rollback: Rollback, run: str) -> Checked:
    """Write down which run rolls back, and return the looks with that."""
    looked = checking.concluded or check_end.hand_off(checking)
    summary = f"{rollback.summary} {rollback.deployment} was started as run {run}; it asks at its own gate."
    if checking.bundle:
        content = {"summary": summary, "run": run, "parameters": rollback.parameters}
        checking.bundle.write_json(RECORD, json.loads(json.dumps(content)))
        checking.bundle.seal()
    # The rollback's verdict is its own run's; what the looks have found stands in their report.
    return looked.model_copy(update={"ok": True, "summary": f"{summary} Before: {looked.summary}"})
