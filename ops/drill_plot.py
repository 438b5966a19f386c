"""The trend of all drills as a picture: RTO and RPO against their objectives, failed ones marked."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

_INK, _GOOD, _BAD, _LIMIT = "#334155", "#0f766e", "#b91c1c", "#94a3b8"


def prepare() -> None:
    """Begin to load what draws, beside what takes longer than that; whoever draws later waits for the rest."""
    threading.Thread(target=_pyplot, daemon=True).start()


def draw(drills: Sequence[dict[str, Any]], *, rpo: float, rto: float, title: str) -> bytes:
    """Return a PNG of these drills, from old to new; times are seconds."""
    pyplot = _pyplot()
    drawn: tuple[Any, Any] = pyplot.subplots(2, 1, figsize=(8, 5), sharex=True, dpi=110, layout="constrained")
    figure, axes = drawn
    try:
        figure.suptitle(title, color=_INK, fontsize=11)
        for axis, name, limit in zip(axes, ("rto", "rpo"), (rto, rpo), strict=True):
            _line(axis, drills, name, limit)
        axes[-1].tick_params(axis="x", rotation=30, labelsize=8)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()
    finally:
        pyplot.close(figure)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _line(axis: Any, drills: Sequence[dict[str, Any]], name: str, limit: float) -> None:
    known = [
        (number, each)
        for number, each in enumerate(drills)
        if _is_number(each.get(name)) and _counts(each, name)
    ]
    axis.plot([n for n, _ in known], [each[name] for _, each in known], color=_INK, linewidth=1, zorder=1)
    for verdict, colour, mark in (("passed", _GOOD, "o"), ("failed", _BAD, "X")):
        of_it = [(n, each[name]) for n, each in known if each.get("verdict") == verdict]
        axis.scatter(
            [n for n, _ in of_it],
            [y for _, y in of_it],
            color=colour,
            marker=mark,
            s=40,
            label=verdict,
            zorder=2,
        )
    _unflushed(axis, drills, name)
    axis.axhline(limit, color=_LIMIT, linestyle="--", linewidth=1, label=f"objective {limit:,.0f} s")
    axis.set_ylabel(f"{name.upper()}, seconds", color=_INK, fontsize=9)
    axis.set_yscale("symlog", linthresh=1)
    axis.set_ylim(bottom=0)
    axis.set_xticks(range(len(drills)), [_day(each) for each in drills])
    axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axis.spines[["top", "right"]].set_visible(False)


def _counts(drill: dict[str, Any], name: str) -> bool:
    """Whether a value is what its name says: without fsync a time is no RTO."""
    return name != "rto" or drill.get("rto_with_fsync") is not False


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def unflushed(drills: Sequence[dict[str, Any]]) -> list[tuple[int, float]]:
    """Return number and time of the drills without fsync."""
    times = [
        (n, each.get("took", each.get("rto"))) for n, each in enumerate(drills) if not _counts(each, "rto")
    ]
    return [(number, float(time)) for number, time in times if isinstance(time, (int, float))]


def _unflushed(axis: Any, drills: Sequence[dict[str, Any]], name: str) -> None:
    found = unflushed(drills) if name == "rto" else []
    if found:
        numbers, times = zip(*found, strict=True)
        axis.scatter(
            numbers, times, marker="^", s=40, facecolors="none", edgecolors=_LIMIT, label="fsync off: no RTO"
        )


def _day(drill: dict[str, Any]) -> str:
    try:
        return f"{datetime.fromisoformat(str(drill.get('ended'))):%Y-%m-%d %H:%M}"
    except ValueError:
        return "?"
