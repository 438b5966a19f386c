"""Which records a run is about: on from the last one, or a window of its own.

Source: the issue of the nightly evaluation. A clock that was moved back makes no window that ends before the watermark,
and one that was moved forward moves the watermark no further than the last record.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ops import database, queries
from ops.eval_export_source import Source
from ops.eval_night import Night
from ops.eval_watermark import Watermark
from ops.evals import Window

_DRIFT = timedelta(minutes=5)


def of(night: Night, source: Source, mark: Watermark | None) -> tuple[Window, tuple[str, ...]]:
    """Return the window of a run, and what there is to say about it."""
    choices, settings = night.plan.choices, night.plan.project.eval
    if choices.since and choices.until:
        start, end = choices.since.astimezone(UTC), choices.until.astimezone(UTC)
        return Window(start=start, end=end, watermark=False), ()
    now, remark = _now(night, source)
    said = (remark,) if remark else ()
    if choices.days:
        # A file's last record would be cut off.
        end = now if night.plan.kind == "file" else now.replace(second=0, microsecond=0)
        return Window(start=end - timedelta(days=choices.days), end=end, watermark=False), said
    if mark is None:
        return Window(start=now - timedelta(days=settings.days), end=now, watermark=True), said
    last = mark.cursor.created.astimezone(UTC)
    if last > now + _DRIFT and night.plan.kind != "file":
        said += (
            f"THE WATERMARK LIES AHEAD of the clock by {last - now}: a clock was moved, or records lie in the future. "
            "What is made until then is found by no night; set the watermark back.",
        )
    return Window(start=last - settings.overlap, end=max(now, last), watermark=True), said


def _now(night: Night, source: Source) -> tuple[datetime, str]:
    if found := source.now():
        return found.astimezone(UTC), ""
    if night.plan.environment.database is not None:
        with database.translating():
            row = night.connection.execute(queries.load("eval_export/now")).fetchone()
        if row:
            return datetime.fromisoformat(row[0]), ""
    return datetime.now(UTC), "The end is by this machine's clock, since the source says no time."
