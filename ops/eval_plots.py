"""The pictures of an evaluation: the trend of each measure, and the slices beside the baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from ops import eval_plot_spread
from ops import eval_plot_style as style
from ops import eval_report_words as words
from ops.eval_report_shape import Judgement, MeasureFound, RunReport, SliceFound
from ops.evals import Tally

TREND, SLICES, SPREAD = "Trend", "Slices beside the baseline", "Latency and cost"
FILES = {TREND: "eval-trend.png", SLICES: "eval-slices.png", SPREAD: "eval-spread.png"}
_MOST_SLICES = 24
_MOST_DAYS = 7
_LONGEST = 36
_WEIGHT: tuple[Judgement, ...] = ("fail", "inconclusive", "pass", "not-judged")


def draw(report: RunReport, tallies: Sequence[Tally]) -> dict[str, bytes]:
    """Return the pictures as PNG by their titles; one for which there are no numbers is left out."""
    drawings: dict[str, tuple[Callable[[Any], Any], bool]] = {
        TREND: (lambda pyplot: _trend(pyplot, report), any(_rated(each.measures) for each in report.trend)),
        SLICES: (
            lambda pyplot: _slices(pyplot, report),
            any(_rated(each.measures) for each in report.slices),
        ),
        SPREAD: (lambda pyplot: eval_plot_spread.draw(pyplot, tallies), eval_plot_spread.has(tallies)),
    }
    where = f"{report.project} on {report.environment}"
    return {
        title: style.picture(drawing, title=f"{title}: {where}")
        for title, (drawing, there) in drawings.items()
        if there
    }


def drawn_slices(report: RunReport) -> tuple[SliceFound, ...]:
    """Return the slices that the picture has room for: all records, then what failed, then the largest."""
    first, *others = report.slices
    others.sort(key=lambda each: (_WEIGHT.index(each.verdict), -each.samples))
    return (first, *others[: _MOST_SLICES - 1])


def _rated(measures: Sequence[MeasureFound]) -> bool:
    return any(each.rate is not None for each in measures)


def _trend(pyplot: Any, report: RunReport) -> Any:
    names = report.measures
    figure, axes = pyplot.subplots(
        *(len(names), 1), figsize=(8, 1.9 * len(names) + 0.8), sharex=True, dpi=110, layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axis, name in zip(axes[:, 0], names, strict=True):
        found = [next((m for m in point.measures if m.measure == name), None) for point in report.trend]
        _line(axis, found)
        judged = (
            next((m for m in report.slices[0].measures if m.measure == name), None) if report.slices else None
        )
        _now(axis, judged, len(found) - 1)
        _references(axis, judged, report.gate.floors.get(name))
        axis.set_ylabel(name.replace("_", " "), color=style.INK)
        _percent(axis.yaxis)
        style.plain(axis)
        axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    _days(axes[-1, 0], [each.window_end for each in report.trend])
    return figure


def _line(axis: Any, found: Sequence[MeasureFound | None]) -> None:
    known = [(n, each) for n, each in enumerate(found) if each is not None and each.rate is not None]
    places, rates = [n for n, _ in known], [each.rate for _, each in known]
    axis.plot(
        places, rates, color=style.INK, linewidth=1, marker="o", markersize=3, label="each run", zorder=2
    )
    bounds = [[each.low for _, each in known], [each.high for _, each in known]]
    axis.vlines(places, *bounds, color=style.LIMIT, linewidth=3, alpha=0.5, label="95 % interval", zorder=1)


def _now(axis: Any, judged: MeasureFound | None, place: int) -> None:
    if judged is None or judged.rate is None:
        return
    colour, mark = style.COLOURS[judged.verdict], style.MARKS[judged.verdict]
    axis.scatter(
        [place],
        [judged.rate],
        color=colour,
        marker=mark,
        s=55,
        label=f"this run: {words.VERDICTS[judged.verdict]}",
        zorder=3,
    )


def _references(axis: Any, judged: MeasureFound | None, floor: float | None) -> None:
    if judged is not None and judged.baseline is not None:
        label = f"baseline {words.percent(judged.baseline)}"
        axis.axhline(judged.baseline, color=style.INK, linestyle="--", linewidth=1, label=label)
    if floor is not None:
        axis.axhline(
            floor, color=style.FLOOR, linestyle=":", linewidth=1, label=f"floor {words.percent(floor)}"
        )


def _days(axis: Any, ends: Sequence[datetime | None]) -> None:
    last = len(ends) - 1
    step = max(1, -(-last // (_MOST_DAYS - 1)))
    ticks = sorted(range(last, -1, -step))
    axis.set_xticks(ticks, [f"{end:%Y-%m-%d\n%H:%M}" if (end := ends[n]) else "now" for n in ticks])
    axis.set_xlim(-0.5, last + 0.5)


def _percent(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=5, min_n_ticks=3))
    axis.set_major_formatter(_share)


def _share(value: float, _place: int) -> str:
    return f"{100 * value:.4g} %"


def _slices(pyplot: Any, report: RunReport) -> Any:
    slices, names = drawn_slices(report), report.measures
    figure, axes = pyplot.subplots(
        *(1, len(names)), figsize=(2.4 * len(names) + 2.6, 0.34 * len(slices) + 1.5), sharey=True, dpi=110,
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for axis, name in zip(axes[0], names, strict=True):
        for place, one in enumerate(slices):
            found = next((each for each in one.measures if each.measure == name), None)
            if found is not None:
                _dot(axis, found, place)
        floor = report.gate.floors.get(name)
        if floor is not None:
            axis.axvline(floor, color=style.FLOOR, linestyle=":", linewidth=1)
        axis.set_title(name.replace("_", " "), color=style.INK, fontsize=9)
        axis.grid(axis="y", color="#e2e8f0", linewidth=0.6)
        _percent(axis.xaxis)
        style.plain(axis)
    labels = [f"{_label(each)} ({each.samples:,})" for each in slices]
    axes[0, 0].set_yticks(range(len(slices)), labels)
    axes[0, 0].set_ylim(len(slices) - 0.4, -0.6)
    _legend(figure, report, hidden=len(report.slices) - len(slices))
    return figure


def _label(found: SliceFound) -> str:
    """A slice's name; of a pair the values, which say enough, and of a long one its beginning and end."""
    if len(found.where) < 2:
        return style.shown(found.name.replace("_", " "), _LONGEST)
    return " · ".join(style.shown(value, _LONGEST // 2) for value in found.where.values())


def _dot(axis: Any, found: MeasureFound, place: int) -> None:
    if found.baseline is not None:
        at = place + 0.22
        axis.hlines(at, found.baseline_low, found.baseline_high, color=style.LIMIT, linewidth=1)
        axis.scatter(
            [found.baseline], [at], facecolor="white", edgecolor=style.LIMIT, marker="D", s=16, zorder=2
        )
    if found.rate is None:
        return
    colour = style.COLOURS[found.verdict]
    axis.hlines(place, found.low, found.high, color=colour, linewidth=2)
    axis.scatter([found.rate], [place], color=colour, marker=style.MARKS[found.verdict], s=30, zorder=3)


def _legend(figure: Any, report: RunReport, *, hidden: int) -> None:
    from matplotlib.lines import Line2D

    verdicts = {each.verdict for one in report.slices for each in one.measures if each.rate is not None}
    lines = [
        Line2D([], [], color=style.COLOURS[each], marker=style.MARKS[each], label=words.VERDICTS[each])
        for each in _WEIGHT
        if each in verdicts
    ]
    if report.gate.baseline:
        lines.append(Line2D([], [], color=style.LIMIT, marker="D", markerfacecolor="white", label="baseline"))
    if any(each is not None for each in report.gate.floors.values()):
        lines.append(Line2D([], [], color=style.FLOOR, linestyle=":", label="floor"))
    more = f"{hidden:,} smaller slices are in the table" if hidden else None
    figure.legend(
        handles=lines,
        loc="outside lower center",
        ncols=6,
        fontsize=8,
        frameon=False,
        title=more,
        title_fontsize=8,
    )
