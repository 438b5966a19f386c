"""Nights of evaluation made by hand: what a report has to show, without the night."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ops import bundle, eval_night
from ops.eval_night import EvalChoices, Night
from ops.evals import (
    Comparison,
    Evaluation,
    Export,
    Ingested,
    Judged,
    Moments,
    PastRun,
    Spread,
    Tally,
    Where,
    Window,
)
from tests import projects

END = datetime(2026, 3, 16, 2, tzinfo=UTC)
CONFIG = """\
[project]
name = "shop"

[eval.gate.floors]
safe = 0.9

[environments.production.eval]
kind = "file"
"""
HOSTILE = "a|b `c` <script>alert(1)</script>\n# d \u202eevil\x00 \ud83d"


def moments(n: int, share: float) -> Moments:
    """Yes or no, so many times."""
    yes = round(n * share)
    return Moments(n=n, total=1000 * yes, squares=1_000_000 * yes)


def tally(where: Where = (), samples: int = 400, share: float = 0.97, **errored: int) -> Tally:
    each = samples - max(errored.values(), default=0)
    return Tally(
        where=where,
        samples=samples,
        errored=errored,
        measures={name: moments(each, share) for name in ("schema_valid", "safe", "publish_proxy")},
        latency=Spread(counts={200 + 17 * n % 900: 1 + n % 3 for n in range(min(samples, 200))}),
        cost=Spread(counts={900 + 13 * n % 4000: 1 for n in range(min(samples, 200))}),
    )


def past(number: int, share: float = 0.97, *wheres: Where) -> PastRun:
    """A run of so many days ago."""
    return PastRun(
        run_id=100 - number,
        run_key=f"key-{number}",
        run_type="nightly",
        schema_variant="sitecraft",
        window_end=END - timedelta(days=number),
        measure_version="0123abcd",
        tallies=tuple(tally(where, share=share) for where in ((), *wheres)),
    )


def judged(
    *comparisons: Comparison, baseline: PastRun | None = None, trend: tuple[PastRun, ...] = ()
) -> Judged:
    failed = [each for each in comparisons if each.verdict == "fail"]
    open_ = [each for each in comparisons if each.verdict == "inconclusive"]
    verdict = "fail" if failed else "inconclusive" if open_ or not comparisons else "pass"
    return Judged(
        ok=not failed,
        summary=failed[0].said if failed else f"The night is {verdict}.",
        verdict=verdict,
        comparisons=comparisons,
        baseline=baseline,
        baseline_by="ada" if baseline else None,
        trend=trend,
        seed=7,
        alpha=0.02,
    )


def compared(where: Where, verdict: str, **facts: Any) -> Comparison:
    given = {
        "measure": "safe",
        "against": "baseline",
        "method": "Fisher's exact test",
        "samples": 400,
        **facts,
    }
    return Comparison.model_validate({"where": where, "verdict": verdict, **given})


def night(
    root: Path, *tallies: Tally, found: Judged | None, worst: tuple[Mapping[str, Any], ...] = ()
) -> Night:
    """A night of these slices, with its bundle below `root`."""
    project = projects.write(root / "shop", migrations={}, config=CONFIG)
    made = Night(eval_night.plan(str(project), "production", EvalChoices()), "a-run")
    made.bundle = bundle.open_bundle(root, kind="nightly-eval", started=END)
    samples = tallies[0].samples if tallies else 0
    made.export = Export(
        ok=True,
        summary="",
        path=root / "records.jsonl",
        window=Window(start=END - timedelta(days=1), end=END, watermark=True),
        source="file",
        records=samples,
        content_digest="0" * 64,
    )
    made.evaluation = Evaluation(
        ok=True,
        summary="",
        samples_path=root / "samples.copy",
        samples=samples,
        unreadable=1,
        problems={"nan": 3},
        tallies=tallies,
        worst=tuple(dict(each) for each in worst),
        measure_version="0123abcd",
    )
    made.ingested = Ingested(ok=True, summary="", run_id=100, run_key="key-0", changed=True)
    made.judged = found
    return made
