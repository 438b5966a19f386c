"""What there is to say about an export: how much, from when, and what was odd."""

from __future__ import annotations

from collections.abc import Iterator

from ops import eval_export_state
from ops.eval_export_source import Aside
from ops.eval_export_state import Whole
from ops.eval_night import Night
from ops.evals import Export

_NOTHING = Aside()


def evidence(night: Night, whole: Whole, *, aside: Aside = _NOTHING, again: bool = False) -> Export:
    """Return an export as evidence; `again` is one that was whole already."""
    facts = {
        "records": whole.records,
        "left beyond the limit": whole.left,
        "read twice, kept once": whole.repeated,
        "late, found by the overlap": whole.late,
        "in the future": aside.future,
        "without time or key": aside.unplaced,
        **{f"with {what} redacted": count for what, count in sorted(whole.redacted.items())},
    }
    return Export(
        ok=True,
        summary=" ".join(_sentences(night, whole, aside, again)),
        rows=tuple({"what": what, "count": count} for what, count in facts.items()),
        path=night.plan.folder / eval_export_state.RECORDS,
        window=whole.window,
        source=night.plan.kind,
        records=whole.records,
        left=whole.left,
        repeated=whole.repeated,
        late=whole.late,
        content_digest=whole.sha256,
        before=whole.before,
        after=whole.after,
        tail=whole.tail,
    )


def _sentences(night: Night, whole: Whole, aside: Aside, again: bool) -> Iterator[str]:
    start, end = (moment.isoformat(timespec="seconds") for moment in (whole.window.start, whole.window.end))
    table = night.plan.project.eval.table if night.plan.kind != "file" else "its files"
    done = (
        "are whole from an earlier attempt" if again else f"were exported from {table} by {night.plan.kind}"
    )
    yield f"{whole.records} records from {start} to {end} {done}."
    if whole.left:
        yield (
            f"THE LIMIT of {night.plan.limit} records IS REACHED: {whole.left} of the window are left, the newest. "
            + ("The next run goes on with them." if whole.window.watermark else "Raise the limit.")
        )
    if whole.late:
        yield f"{whole.late} of them came late and were found by the overlap."
    if whole.repeated:
        yield f"{whole.repeated} were known already, or stood there twice, and are kept once."
    if whole.redacted:
        yield f"Redacted: {', '.join(f'{what} in {count}' for what, count in sorted(whole.redacted.items()))}."
    if aside.future:
        yield f"{aside.future} records lie in the future, and are read when their time has come."
    if aside.unplaced:
        yield f"{aside.unplaced} records have no time or no key, and are in no export."
    yield from whole.remarks
