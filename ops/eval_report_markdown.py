"""The report of an evaluation as Markdown: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ops import eval_report_words as words
from ops import markdown
from ops.eval_report_shape import RunReport

_MOST_SLICES = 40
_MOST_COMPARISONS = 12
_LONGEST = 300


def text(report: RunReport, pictures: Mapping[str, str]) -> str:
    """Return the report; `pictures` are addresses by title: names of files, or the pictures themselves."""
    lines = [f"# {markdown.escaped(words.headline(report))}", "", markdown.escaped(report.summary), ""]
    lines += markdown.table(("what", "value"), words.facts(report))
    lines += [*_decisive(report), *_slices(report)]
    for title, address in pictures.items():
        lines += [f"## {title}", "", f"![{title}]({address})", ""]
    lines += [*_spreads(report), *_problems(report), *_worst(report)]
    lines += ["## How it was judged", "", markdown.escaped(words.method(report)), ""]
    return "\n".join(lines)


def _decisive(report: RunReport) -> Iterator[str]:
    found = words.decisive(report, _MOST_COMPARISONS)
    rows = [
        (
            words.VERDICTS[each.verdict],
            words.slice_name(each.where),
            words.measure(each.measure),
            words.percent(each.rate),
            words.against(each),
            f"{each.samples:,}" + (f", {each.needed:,} more would decide" if each.needed else ""),
            each.method,
            words.NONE if each.p_adjusted is None else f"{each.p_adjusted:.2g}",
        )
        for each in found
    ]
    if rows:
        yield from ("## What failed or is undecided", "")
        names = ("verdict", "slice", "measure", "rate", "against", "samples", "test", "p after Holm")
        yield from markdown.table(names, rows)
        more = sum(each.verdict != "pass" for each in report.comparisons) - len(rows)
        if more:
            yield from (f"And {more:,} more in eval_run_report.json.", "")


def _slices(report: RunReport) -> Iterator[str]:
    yield from ("## Slices", "")
    if not report.slices:
        yield from ("No record was evaluated, so that there is nothing to show.", "")
    ordered = words.slices(report)
    names = ("slice", "measure", "verdict", "rate", "95 % interval", "points to the baseline", "samples")
    yield from markdown.table(
        names,
        (
            (
                words.slice_name(tuple(one.where.items())),
                words.measure(each.measure),
                words.judged(each),
                words.percent(each.rate),
                words.interval(each),
                words.points(each.delta),
                words.counted(each),
            )
            for one in ordered[:_MOST_SLICES]
            for each in one.measures
        ),
    )
    if len(ordered) > _MOST_SLICES:
        yield from (f"And {len(ordered) - _MOST_SLICES:,} more slices in eval_run_report.json.", "")


def _spreads(report: RunReport) -> Iterator[str]:
    found = [each for each in words.slices(report) if len(each.where) < 2]
    known = [each for each in found if each.latency_ms.samples or each.cost_usd.samples][:_MOST_SLICES]
    if known:
        yield from ("## Latency and cost of each slice", "")
        names = ("slice", "median", "95 % below", "99 % below", "mean cost", "95 % below", "cost in all")
        rows = (
            (
                words.slice_name(tuple(each.where.items())),
                *words.spread(each.latency_ms, money=False)[:3],
                words.spread(each.cost_usd, money=True)[3],
                words.spread(each.cost_usd, money=True)[1],
                f"${each.cost_usd.total:,.2f}" if each.cost_usd.samples else words.NONE,
            )
            for each in known
        )
        yield from markdown.table(names, rows)


def _problems(report: RunReport) -> Iterator[str]:
    if report.problems:
        yield from ("## Records that were bad in some way", "")
        yield from markdown.table(
            ("what", "records"), ((words.measure(k), f"{n:,}") for k, n in report.problems.items())
        )


def _worst(report: RunReport) -> Iterator[str]:
    if report.worst:
        yield from ("## The worst samples", "")
        rows = (
            (
                "; ".join(f"{word} {value}" for word, value in words.naming(each)),
                "; ".join(f"{word} {value}" for word, value in words.telling(each)),
                markdown.short(words.written(each), _LONGEST),
            )
            for each in report.worst
        )
        yield from markdown.table(("sample", "what is wrong", "what was written"), rows)
