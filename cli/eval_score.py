"""`runbooks eval score`: files of records evaluated in this process, without a database or a Prefect server."""

from __future__ import annotations

from pathlib import Path

from cli.ending import ended
from cli.screen import Screen
from ops import redaction
from ops.evals import Evaluated
from ops.verdict import Verdict
from tasks import runbook
from tasks.step import observing


def score(files: list[Path], path: Path, *, variant: str | None, out: Path | None) -> int:
    """Evaluate these files, print the verdict and where the report is; 0: nothing failed, 1: it did, 2: refused."""
    redaction.install()
    # Before anything of Prefect's is imported, which would take two seconds.
    runbook.without_prefect()
    codes: list[int] = []

    def never_began(said: str, verdict: Verdict) -> Evaluated:
        codes.append(verdict.exit_code)
        return Evaluated(ok=False, verdict="inconclusive", records=0, summary=said)

    with observing(Screen()):
        found = ended(lambda: _scored(files, path, variant, out), Evaluated, never_began, what="evaluation")
    print(f"\n{found.summary}")
    if found.bundle:
        print(f"Report: {found.bundle}/report.html")
    return codes[0] if codes else int(not found.ok)


def _scored(files: list[Path], path: Path, variant: str | None, out: Path | None) -> Evaluated:
    from ops import eval_night
    from tasks import evals as step

    plan = eval_night.of_files(path, files, variant=variant, out=out)
    with step.opened(plan) as night:
        step.export_records(night)
        step.evaluate_records(night)
        step.judge(night)
        step.write_report(night)
        return step.hand_off(night)
