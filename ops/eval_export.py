"""The export of a night: the records of a window in one file, redacted, whole, and read once.

Source: phase2-rollout-and-eval.md, section 5, step 1. Memory does not grow with the records, but for eight bytes of
each, and the keys within the overlap.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

from psycopg import sql

from ops import (
    database,
    eval_copy,
    eval_export_fields,
    eval_export_files,
    eval_export_once,
    eval_export_said,
    eval_export_state,
    eval_export_window,
    eval_export_writing,
    eval_files,
    eval_rest_pages,
    eval_tables,
    eval_watermark,
)
from ops.eval_export_source import Source
from ops.eval_export_state import Begun, Whole
from ops.eval_export_writing import Writing
from ops.eval_night import Night
from ops.eval_watermark import Watermark
from ops.evals import Cursor, Export

_UNJUDGED = sql.SQL("""
select from {runs}
where
    content_digest = %(digest)s and run_type = %(run_type)s and schema_variant = %(variant)s
    and verdict is null and window_end is not null
limit 1
""")


def export(night: Night) -> Export:
    """Export the records of the night's window into its folder; what an interruption has left is gone on with.

    Raises:
        Refused: the source, its key or its columns are not as they must be, or another run exports there.
        Unavailable: the source does not answer or was cut off; the next attempt goes on behind the last whole page.
    """
    folder = night.plan.folder
    if night.locked is None:
        night.locked = eval_export_files.lock(folder, night.run)
    mark = eval_watermark.read(night)
    whole = eval_export_state.read(folder, Whole)
    if whole and _goes_on(night, whole, mark):
        night.export = eval_export_said.evidence(night, whole, again=True)
        return night.export
    with closing(_opened(night)) as source:
        whole = _exported(night, source, mark)
        aside = source.aside(max(whole.window.end, source.now() or whole.window.end))
    night.export = eval_export_said.evidence(night, whole, aside=aside)
    return night.export


def _opened(night: Night) -> Source:
    kinds = {
        "rest": eval_rest_pages.RestSource,
        "copy": eval_copy.CopySource,
        "file": eval_files.FileSource,
    }
    return kinds[night.plan.kind](night)


def _goes_on(night: Night, state: Begun, mark: Watermark | None) -> bool:
    goes_on = eval_export_state.goes_on(state, night.plan, night.run, mark) or _is_unjudged(night, state)
    return goes_on and eval_export_writing.is_intact(night.plan.folder, state)


def _is_unjudged(night: Night, state: Begun) -> bool:
    """Whether this was ingested by a night that died before anybody heard its verdict."""
    plan = night.plan
    # The last days are other days by now.
    is_same = state.asked == eval_export_state.asked(plan) and plan.choices.days is None
    if plan.environment.database is None or not is_same:
        return False
    text = _UNJUDGED.format(runs=eval_tables.identifier(plan.project.eval.runs, key="runs"))
    values = {"digest": state.sha256, "run_type": plan.run_type, "variant": plan.schema_variant}
    with database.translating():
        return night.connection.execute(text, values).fetchone() is not None


def _exported(night: Night, source: Source, mark: Watermark | None) -> Whole:
    begun = _begun(night, source, mark)
    known = frozenset(mark.tail) if mark and begun.window.watermark else frozenset[str]()
    settings = night.plan.project.eval
    resumed = begun.cursor is not None
    with closing(
        Writing(
            night.plan.folder,
            begun,
            known=known,
            overlap=settings.overlap,
            key=settings.fields.key,
            created=settings.fields.created,
        )
    ) as writing:
        full = _read(night, source, writing, known=len(known))
        writing.flush()
        whole = _whole(night, writing, known=known if resumed else frozenset())
    left = source.count(whole.window, after=whole.cursor) if full else 0
    if left is None:
        said = "How many are left could not be counted within a minute."
        whole = whole.model_copy(update={"remarks": (*whole.remarks, said)})
    whole = whole.model_copy(update={"left": 1 if left is None else left})
    eval_export_state.keep(night.plan.folder, whole)
    (night.plan.folder / eval_export_state.PART).unlink(missing_ok=True)
    return whole


def _begun(night: Night, source: Source, mark: Watermark | None) -> Begun:
    """Return what is gone on with, with its window; else a new one."""
    folder = night.plan.folder
    begun = eval_export_state.read(folder, Begun)
    if begun and eval_export_state.goes_on(begun, night.plan, night.run, mark):
        if source.resumable and eval_export_writing.is_intact(folder, begun):
            return begun
        window, remarks = begun.window, begun.remarks
    else:
        window, remarks = eval_export_window.of(night, source, mark)
    eval_export_state.forget(folder)
    fresh = Begun(
        asked=eval_export_state.asked(night.plan),
        run=night.run,
        window=window,
        remarks=remarks,
        before=mark.cursor if mark and window.watermark else None,
    )
    eval_export_state.keep(folder, fresh)
    return fresh


def _read(night: Night, source: Source, writing: Writing, *, known: int) -> bool:
    """Read page by page, and say whether the limit was reached."""
    limit, state = night.plan.limit, writing.state
    expected = source.count(state.window, after=state.cursor) or 0
    expected = min(limit, state.records + expected)
    most = limit - state.records + known
    with closing(source.pages(state.window, after=state.cursor, most=most)) as pages:
        if most > 0:
            for page in pages:
                room = writing.add(page, most=limit)
                night.progress(min(writing.state.records, expected), expected, "records")
                if not room:
                    return True
    return writing.state.records >= limit


def _whole(night: Night, writing: Writing, *, known: frozenset[str]) -> Whole:
    """Return the export with each record once, and what the next run knows of it."""
    state, fields = writing.state, night.plan.project.eval.fields
    records = night.plan.folder / eval_export_state.RECORDS
    picked = eval_export_fields.Picked(fields.key, fields.created)
    if (twice := eval_export_once.doubles(records, writing.hashes, picked)).numbers:
        size, digest = eval_export_once.leave_out(records, twice.numbers)
        kept, repeated = state.records - len(twice.numbers), state.repeated + len(twice.numbers)
        update = {"bytes": size, "sha256": digest, "records": kept, "repeated": repeated}
        update |= {"remarks": (*state.remarks, *twice.said)}
        state = state.model_copy(update=update)
    if not state.window.watermark:
        return Whole(**state.model_dump())
    after = _after(state)
    earliest = after.created - night.plan.project.eval.overlap
    # What was read again before an interruption stands in no file.
    again = known if state.before and earliest < state.before.created else frozenset[str]()
    tail = {*writing.undated, *(key for created, key in writing.recent if created >= earliest), *again}
    return Whole(**state.model_dump(), after=after, tail=tuple(sorted(tail)))


def _after(state: Begun) -> Cursor:
    """Return where the next run goes on: behind the last record, and never before where this one did."""
    places = [place for place in (state.before, state.cursor) if place is not None]
    return max(places, key=_created, default=Cursor(created=state.window.start, key=""))


def _created(place: Cursor) -> datetime:
    return place.created
