"""The proof that an index is valid and used, or gone, and the record of it with the migration that keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from ops import check_end, incident_indexes_act, incident_plans
from ops.checked import Checked
from ops.evidence import Evidence
from ops.incident_indexes import Indexing
from ops.incident_latency import KIND, Act

RECORD, KEPT, KEPT_BACK = "indexes.json", "applied.sql", "applied.rollback.sql"
_ADVICE = """\
-- What an incident has built on {where}. Make it a migration of the project (supabase migration new) with its rollback
-- beside it, so that it is no drift: where the index is, applying it changes nothing.
"""


def prove(indexing: Indexing) -> Evidence:
    """Look whether each index is there, valid, and in the plan of its statement; or whether it is gone.

    Raises:
        Unavailable: the database does not answer.
    """
    if not indexing.due:
        return Evidence(ok=True, summary="Nothing was done, so there is nothing to prove.", idle=True)
    with indexing.connected() as connection:
        found = {each: incident_indexes_act.there(connection, each) for each in indexing.items}
    rows: list[dict[str, object]] = []
    for each, it in found.items():
        if indexing.done.get(each.name, ("", ""))[0] == "skipped":
            continue
        if not indexing.builds:
            rows.append(
                {"index": str(each), "found": "gone" if it is None else "still there", "ok": it is None}
            )
            continue
        valid = it is not None and it.fits(each) and it.valid
        used = incident_plans.uses(indexing.checking, each) if valid else None
        rows.append({"index": str(each), "found": _said(valid, used), "ok": valid and used is not False})
    wrong = [row for row in rows if not row["ok"]]
    told = "; ".join(f"{row['index']}: {row['found']}" for row in wrong or rows)
    back = f" The way back is {KIND}, act {Act.DROP_INDEX}." if wrong and indexing.builds else ""
    return Evidence(ok=not wrong, summary=f"{'Not proven: ' if wrong else ''}{told}.{back}", rows=tuple(rows))


def _said(valid: bool, used: bool | None) -> str:
    if not valid:
        return "it is not there, or not valid"
    if used is None:
        return "valid; its statement cannot be planned without values, so whether it is used is not known"
    return (
        "valid, and the statement's plan uses it"
        if used
        else "valid, and the statement's plan does not use it"
    )


def conclude(indexing: Indexing) -> Checked:
    """Write down what was done, with the migration that keeps it, and return the looks with that."""
    checking, plan = indexing.checking, indexing.plan
    looked = checking.concluded or check_end.hand_off(checking)
    if not indexing.due:
        return looked
    summary = " ".join(_summary(indexing))
    if checking.bundle:
        built = [each for each in indexing.items if indexing.done.get(each.name, ("",))[0] == "built"]
        if built:
            advice = _ADVICE.format(where=plan.environment.name)
            checking.bundle.write_text(KEPT, advice + "".join(f"{each.keeping}\n" for each in built))
            back = "".join(f"{each.removal}\n" for each in reversed(built))
            checking.bundle.write_text(KEPT_BACK, back)
        content = {
            "act": plan.act.value,
            "reason": indexing.reason,
            "summary": summary,
            "plan digest": indexing.digest,
            "approved": dict(indexing.approved),
            "started": checking.now.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
            "indexes": [
                {"index": str(each), "statement": each.creation, "state": state, "said": said}
                for each in indexing.items
                for state, said in [indexing.done.get(each.name, ("", ""))]
            ],
        }
        checking.bundle.write_json(RECORD, content)
        checking.bundle.seal()
    left = any(state == "skipped" for state, _ in indexing.done.values())
    # What was approved is done and proven; what the looks had found before stands in their report.
    return looked.model_copy(update={"ok": not left, "summary": f"{summary} Before: {looked.summary}"})


def _summary(indexing: Indexing) -> Iterator[str]:
    where = f"{indexing.plan.project.name} on {indexing.plan.environment.name}"
    done = [name for name, (state, _) in indexing.done.items() if state != "skipped"]
    verb = "built and proven" if indexing.builds else "removed"
    yield f"{where}: {', '.join(done) or 'no index'} {verb}."
    yield from (
        f"Not {name}, since {said}." for name, (state, said) in indexing.done.items() if state == "skipped"
    )
    if indexing.builds and done:
        yield f"Make {KEPT} of the bundle a migration of the project, so that it is no drift."
