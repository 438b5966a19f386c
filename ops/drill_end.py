"""The end of a drill: what was restored is taken away, the drill is logged, and the verdict handed off."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops import database, drill, drill_act, drill_log, drill_plot, errors, markdown
from ops.backups import Problem
from ops.drill import Drilled, Drilling
from ops.drill_check import told
from ops.evidence import Evidence
from ops.scratch import Scratch

RESULT, PLOT = "drill.json", "drills.png"
_SHOWN = 24


def clean(drilling: Drilling) -> Evidence:
    """Stop the restored cluster and remove its folder, and look whether it is gone."""
    place = getattr(drilling.restored, "place", None)
    drilling.close()
    if isinstance(place, Scratch) and place.home.exists():
        problem = Problem(
            kind="left-behind",
            object=str(place.home),
            said=f"{place.home}, the restored cluster's folder, is still there, with a copy of production in it.",
            todo="Stop what still runs in it, and remove it.",
        )
        return drilling.note("clean", (problem,), "")
    return Evidence(ok=True, summary="The restored cluster was stopped, and its folder removed.")


def log_drill(drilling: Drilling) -> Evidence:
    """Add the drill to the log: to the file beside the evidence, and to the table in production where that answers."""
    plan, entry = drilling.plan, _entry(drilling)
    where = drill_log.append(plan.out, plan.environment.name, entry)
    said = f"Logged as {entry['verdict']} in {where.name}"
    dsn = drilling.dsn
    if dsn is None:
        return Evidence(ok=True, summary=f"{said}.", rows=(_short(entry),))
    try:
        with database.connect(dsn, application=drilling.run) as connection:
            drill_log.record(connection, plan.environment.name, entry)
    except errors.OpsError as error:
        return Evidence(ok=True, summary=f"{said}; production was not told: {error}", rows=(_short(entry),))
    return Evidence(ok=True, summary=f"{said} and in runbooks.drills.", rows=(_short(entry),))


def hand_off(drilling: Drilling) -> Drilled:
    """Write the verdict, all problems and the trend into the bundle."""
    plan, entry = drilling.plan, _entry(drilling)
    problems = drilling.problems
    blocking = [each for each in problems if each.blocks]
    rto, rpo = drilling.rto, drilling.rpo
    measured = f"RTO {told(rto)} of {told(plan.settings.rto)}" if rto else drill_act.time_of(drilling)
    lost = f"RPO {told(rpo)} of {told(plan.settings.rpo)}" if rpo is not None else "no RPO"
    why = f" {blocking[0].said}" if blocking else ""
    more = f" And {len(blocking) - 1} more." if len(blocking) > 1 else ""
    result = Drilled(
        ok=not blocking,
        summary=f"{plan.project.name} on {plan.environment.name}: restore drill {entry['verdict']}; {measured}, {lost}."
        f"{why}{more}{_attention(problems)}",
        rows=drill.rows(problems),
        verdict=entry["verdict"],
        started=entry["started"],
        ended=entry["ended"],
        backup=drilling.backup.id if drilling.backup else "",
        target=str(plan.target),
        rpo=entry["rpo"],
        rto=entry["rto"],
        took=entry["took"],
        counts=drilling.counts,
        timings=drilling.timings,
        problems=problems,
        bundle=str(drilling.bundle.path) if drilling.bundle else None,
    )
    if drilling.bundle:
        drilling.bundle.write_json(RESULT, result.model_dump(mode="json", exclude={"rows", "idle"}))
        drilling.bundle.write_bytes(PLOT, picture(drilling))
        drilling.bundle.seal()
    drilling.concluded = result
    return result


def hand_off_broken(drilling: Drilling, error: errors.OpsError) -> Drilled:
    """Log and hand off a drill that could not go on: it has failed, whatever ended it."""
    drilling.found["broken-off"] = (
        Problem(
            kind="broken-off",
            object=drilling.run,
            said=str(error),
            todo="Mend what it says, and drill again.",
        ),
    )
    clean(drilling)
    # What was refused before anything was restored is no drill.
    if not isinstance(error, errors.Refused) or drilling.timings is not None:
        log_drill(drilling)
    return hand_off(drilling)


def picture(drilling: Drilling) -> bytes:
    """Return the trend of all drills of this environment as PNG."""
    plan = drilling.plan
    drills = drill_log.read(plan.out, plan.environment.name)[-_SHOWN:]
    return drill_plot.draw(
        drills,
        rpo=plan.settings.rpo.total_seconds(),
        rto=plan.settings.rto.total_seconds(),
        title=f"Restore drills of {plan.project.name} on {plan.environment.name}",
    )


def document(found: Drilled) -> str:
    """Return the verdict as Markdown, with the trend in it."""
    lines = [f"# Restore drill {found.verdict}", "", markdown.escaped(found.summary), ""]
    if found.problems:
        told_of = [(p.kind, p.object, p.said, p.todo) for p in found.problems]
        lines += ["## What was found", "", *markdown.table(("what", "where", "said", "to do"), told_of), ""]
    if found.bundle and (plot := Path(found.bundle) / PLOT).is_file():
        image = base64.b64encode(plot.read_bytes()).decode()
        lines += ["## All drills", "", f"![RTO and RPO of all drills](data:image/png;base64,{image})"]
    return "\n".join(lines) + "\n"


def _attention(problems: tuple[Problem, ...]) -> str:
    """Say aloud that rows differ where the reference is not exact, since that alone does not fail a drill."""
    rows = [each for each in problems if each.kind in ("rows-missing", "rows-differ") and not each.blocks]
    if not rows:
        return ""
    more = f" And {len(rows) - 1} more." if len(rows) > 1 else ""
    return f" Attention, though the reference is not exact: {rows[0].said}{more}"


def _entry(drilling: Drilling) -> dict[str, Any]:
    plan, timings = drilling.plan, drilling.timings
    problems = drilling.problems
    return {
        "run": drilling.bundle.run if drilling.bundle else drilling.run,
        "environment": plan.environment.name,
        "project": plan.project.name,
        "source": plan.source.kind,
        "backup": drilling.backup.id if drilling.backup else None,
        "target": str(plan.target),
        "started": drilling.started.isoformat(),
        "ended": datetime.now(UTC).isoformat(),
        "verdict": "failed" if any(each.blocks for each in problems) else "passed",
        "rpo": round(drilling.rpo.total_seconds(), 3) if drilling.rpo is not None else None,
        "rto": round(drilling.rto.total_seconds(), 3) if drilling.rto else None,
        "took": round(drilling.took.total_seconds(), 3) if drilling.took else None,
        "rto_with_fsync": drilling.is_flushed,
        "timings": {k: round(v.total_seconds(), 3) for k, v in timings} if timings else None,
        "objectives": {"rpo": plan.settings.rpo.total_seconds(), "rto": plan.settings.rto.total_seconds()},
        "problems": [each.kind for each in problems],
    }


def _short(entry: dict[str, Any]) -> dict[str, str]:
    return {key: str(entry[key]) for key in ("verdict", "backup", "target", "rto", "took", "rpo")}
