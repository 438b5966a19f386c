"""The conditions of a promotion, asked anew at every pass: none of them is content, and none is approved for later.

Source: database-pipeline.md, "How to Promote to Production", prerequisites.
"""

from __future__ import annotations

from collections.abc import Callable

from ops import (
    backup_age,
    confirmation,
    deployment_window,
    errors,
    incidents,
    promotion_check,
    release_evidence,
    release_green,
    release_merged,
    schema_guard,
)
from ops.audit import Log
from ops.evidence import Evidence
from ops.promoting import Promoting

_NOTHING_DONE = "Nothing was applied."
# A corrective file goes through a shortened gate: these are said then, and refuse nothing.
_WAIVED_IN_EMERGENCY = frozenset({"merged", "pr-gate", "window", "incident", "soak", "p0 rollback"})


def check_confirmation(promoting: Promoting) -> Evidence:
    """Compare the confirmation with the words that are asked for.

    Raises:
        Refused: it is anything else.
    """
    found = confirmation.check(promoting.plan.confirmation)
    if not found.ok:
        raise errors.Refused(f"{found.summary} {_NOTHING_DONE}", found)
    return found


def check_conditions(promoting: Promoting) -> Evidence:
    """Ask every condition of the environment; a plan that is begun goes on whatever they say, which is a finding.

    Raises:
        Refused: one does not hold; the evidence has all of them.
    """
    if promoting.idle:
        return Evidence(ok=True, summary="Nothing is pending, so no condition was asked.", idle=True)
    found = {name: _asked(ask) for name, ask in _conditions(promoting).items()}
    wrong: list[str] = []
    for name, each in found.items():
        if each.ok:
            promoting.note(name, each)
        elif promoting.waived or (promoting.plan.emergency and name in _WAIVED_IN_EMERGENCY):
            promoting.note(name, each.model_copy(update={"idle": True}))
            promoting.findings.append(f"{name}: {each.summary} It does not hold this plan up.")
        else:
            promoting.note(name, each)
            wrong.append(f"{name}: {each.summary}")
    rows = tuple({"condition": name, "holds": each.ok, "found": each.summary} for name, each in found.items())
    if wrong:
        more = f" And {len(wrong) - 1} more." if len(wrong) > 1 else ""
        said = f"{wrong[0]}{more} {_NOTHING_DONE}"
        raise errors.Refused(said, Evidence(ok=False, summary=said, rows=rows))
    return Evidence(
        ok=True, summary=f"{len(found)} conditions were asked, and none stands in the way.", rows=rows
    )


def check_again(promoting: Promoting) -> Evidence:
    """Look once more at everything that may have changed while a question was open in this very process.

    Raises:
        Refused: the database, the rehearsal, a condition or the schema version does not do any more.
        Unavailable: nobody answers.
    """
    promotion_check.check_connectivity(promoting)
    promotion_check.find_rehearsal(promoting)
    check_schema_version(promoting)
    return check_conditions(promoting)


def check_schema_version(promoting: Promoting) -> Evidence:
    """Say which schema version the database and the app have before; whether they fit is judged when it is in place."""
    if promoting.idle or promoting.plan.project.schema_guard.table is None:
        return Evidence(ok=True, summary="No schema guard is configured.", idle=True)
    plan = promoting.plan
    found = schema_guard.check(
        promoting.connection, plan.project, environment=plan.environment, app_version=plan.choices.app_version
    )
    said = f"Before: {found.summary}"
    return Evidence(ok=True, summary=said, rows=found.rows)


def _asked(ask: Callable[[], Evidence]) -> Evidence:
    try:
        return ask()
    except errors.Refused as refused:
        return Evidence(ok=False, summary=str(refused))


def _conditions(promoting: Promoting) -> dict[str, Callable[[], Evidence]]:
    plan = promoting.plan
    where, out, digest = plan.environment, plan.out, plan.change.migrations
    return {
        "merged": lambda: release_merged.check(plan.project, where),
        "pr-gate": lambda: release_green.check(
            plan.project, where, out=out, log=Log.of(where, plan.project.root, promoting.connection)
        ),
        "soak": lambda: release_evidence.check_soak(plan.project, where, out=out, digest=digest),
        "p0 rollback": lambda: release_evidence.check_p0(where, plan.change, out=out),
        "incident": lambda: incidents.check(where, promoting.connection, word=plan.choices.no_incident),
        "window": lambda: deployment_window.check(where),
        "backup": lambda: backup_age.check(
            where, promoting.connection, root=plan.project.root, hidden=plan.project.private_variables
        ),
    }
