"""How much a restore loses: from the last heartbeat or commit that came back to the failure or the target.

Source: supabase-operations.md, the quarterly restore drill, step 4 (RPO/RTO log).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ops import database, drill, heartbeat
from ops.backups import Problem
from ops.drill import Drilling
from ops.drill_check import told
from ops.drill_shape import IDLE
from ops.evidence import Evidence
from ops.recovery_target import TargetKind

# A heartbeat is written a moment after it is due.
_JITTER = timedelta(seconds=5)


@drill.reading("loss")
def measure_loss(drilling: Drilling) -> Evidence:
    """Measure the RPO: the time from the last heartbeat that came back to the moment of the failure or the target."""
    restored, plan = drilling.restored, drilling.plan
    if restored is None:
        return Evidence(ok=True, idle=True, summary=IDLE)
    with database.connect(restored.dsn, application=drilling.run) as connection:
        beat = heartbeat.last(connection)
    failure = _failure(drilling)
    commit = restored.last_commit.astimezone(UTC) if restored.last_commit else None
    last = max((each for each in (beat.at if beat else None, commit) if each), default=None)
    row = {
        "failure": f"{failure:%Y-%m-%d %H:%M:%S.%f} UTC" if failure else "not known",
        "last heartbeat": str(beat.at.astimezone(UTC)) if beat else "none",
        "last commit": str(commit) if commit else "not known",
    }
    if last is None:
        problem = Problem(
            kind="loss-unknown",
            object="rpo",
            said="Neither a heartbeat nor a commit was recovered, so nobody knows how much would be lost.",
            todo="Switch on the deployment heartbeat in production.",
        )
        return drilling.note("loss", (problem,), "").model_copy(update={"rows": (row,)})
    if failure is None:
        problem = Problem(
            kind="loss-not-measured",
            object="rpo",
            said=f"Nothing in the WAL that is at hand says when {plan.target} was, so the loss was not measured.",
            todo="Drill `latest` or a time too: both measure it.",
            blocks=False,
        )
        return drilling.note("loss", (problem,), "").model_copy(update={"rows": (row,)})
    drilling.rpo = max(failure - last, timedelta(0))
    problems = _apart(beat.at if beat else None, commit, plan.settings.drill.heartbeat)
    problems += _no_beat(beat, commit, drilling.beats_since)
    if drilling.rpo > plan.settings.rpo:
        said = f"{told(drilling.rpo)} would be lost, and may be {told(plan.settings.rpo)}."
        problems.append(
            Problem(
                kind="rpo-missed",
                object="rpo",
                said=said,
                todo="Archive more often, or find what stopped it.",
            )
        )
    evidence = drilling.note(
        "loss", tuple(problems), f"RPO {told(drilling.rpo)}: nothing after {last:%H:%M:%S} UTC."
    )
    return evidence.model_copy(update={"rows": (row,)})


def _apart(beat: datetime | None, commit: datetime | None, every: timedelta) -> list[Problem]:
    """Cross-check the last heartbeat with the last commit."""
    if beat is None or commit is None or abs(commit - beat) <= every + _JITTER:
        return []
    said = f"The last heartbeat and the last commit that came back are {told(abs(commit - beat))} apart, and "
    return [
        Problem(
            kind="heartbeat-apart",
            object="runbooks.heartbeat",
            said=f"{said}a heart beats every {told(every)}: one of both does not tell how much was lost.",
            todo="Look whether the heartbeat ran at that time, and whether the clocks agree.",
            blocks=False,
        )
    ]


def _no_beat(beat: heartbeat.Beat | None, commit: datetime | None, since: datetime | None) -> list[Problem]:
    """Find that no heartbeat came back though production has some that are older than what did."""
    if beat is not None or commit is None or since is None or since > commit - _JITTER:
        return []
    said = f"No heartbeat came back, and production has had them since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return [
        Problem(
            kind="heartbeat-missing",
            object="runbooks.heartbeat",
            said=f"{said}: rows that were committed before the last recovered commit are not there.",
            todo="Do not rely on this backup: look from which server it is, and what else it does not have.",
        )
    ]


def _failure(drilling: Drilling) -> datetime | None:
    """Return the moment up to which nothing may be lost: the target's own, and only of `latest` that of the drill."""
    target, restored = drilling.plan.target, drilling.restored
    if target.kind is TargetKind.LATEST:
        return drilling.started
    if target.at is not None:
        return target.at
    stopped = restored.stopped if restored else None
    return stopped or (drilling.point.at if drilling.point else None)
