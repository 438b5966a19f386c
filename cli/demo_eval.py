"""`runbooks demo-eval`: three providers write a shop's texts, one gets worse, and the night finds out which.

Everything is real: the example's database with RLS, PostgREST before it where that is installed, a Prefect server and
worker, and the last night through its deployment.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

from prefect.client.schemas.objects import FlowRun

from cli import demo_eval_records, demo_eval_site
from cli.demo_eval_site import Site
from cli.screen import Screen
from deployments import runs, stack
from deployments.stack import Stack
from flows.nightly_eval import nightly_eval
from ops import bundle, database, errors, eval_baseline, eval_report, project, redaction
from ops import eval_report_words as words
from ops.eval_night import EvalChoices
from ops.eval_report_shape import RunReport
from ops.evidence import Evidence
from ops.verdict import Verdict

DEPLOYMENT = "nightly-eval/production"
_ENVIRONMENT = "production"
_DAY = timedelta(days=1)
_WEEK = 7 * _DAY
_PINS = "ada"


def demo_eval(*, worse: bool = True) -> int:
    """Show a worse provider being found, and stop everything again; 0: it was, and by its name.

    Without `worse` nobody gets worse, and 0 says that nobody was accused.
    """
    redaction.install()
    signal.signal(signal.SIGTERM, _leave)
    try:
        with demo_eval_site.running() as site, stack.running(tell=_say, extra=site.environment) as running:
            os.environ.update(site.environment)
            return _shown(site, running, worse=worse)
    except KeyboardInterrupt:
        _say("\nStopped.")
        return 128 + signal.SIGINT


def _shown(site: Site, running: Stack, *, worse: bool) -> int:
    now = datetime.now(UTC)
    records = list(demo_eval_records.written(now, worse=worse))
    site.fill(records)
    how = "through PostgREST" if site.by_rest else "by COPY, since PostgREST is not installed"
    _say(f"\n1. {len(records):,} texts of three providers, over two weeks. They are read {how}.\n")
    _say("2. Last week is evaluated, looked at by people, and pinned as the baseline.\n")
    first = _night(site, now - 2 * _WEEK, now - _WEEK)
    if first is None or first.run_id is None:
        _say("   It was not evaluated, so there is nothing to compare with.")
        return Verdict.UNAVAILABLE.exit_code
    _say(f"   {_pinned(site, first.run_id)}")
    _say("\n3. The nights of this week, with nobody watching:\n")
    for days in range(6, 0, -1):
        _night(site, now - (days + 1) * _DAY, now - days * _DAY)
    _say(f"\n4. Tonight, through the deployment {DEPLOYMENT}, by its schedule's parameters:\n")
    found = _tonight(site, running)
    return Verdict.UNAVAILABLE.exit_code if found is None else _judged(*found, worse=worse)


def _night(site: Site, since: datetime, until: datetime) -> RunReport | None:
    """Evaluate a window in this process, and say in one line what came of it."""
    choices = EvalChoices(since=since, until=until, triggered_by="demo")
    try:
        bundled = nightly_eval.fn(str(site.project), _ENVIRONMENT, choices).bundle
    except errors.OpsError as error:
        bundled = getattr(error.evidence, "bundle", None)
        if bundled is None:
            _say(f"   {error}")
            return None
    report = _report(Path(bundled)) if bundled else None
    if report:
        measured = " ".join(
            f"{words.measure(m.measure)} {words.percent(m.rate)}," for m in report.slices[0].measures
        )
        _say(
            f"   up to {until:%a %d %b}: {measured} {report.samples:,} samples: {words.VERDICTS[report.verdict]}"
        )
    return report


def _pinned(site: Site, run_id: int) -> str:
    operated = project.load(site.project)
    with database.connect(site.dsn, application="demo-eval") as connection:
        where = operated.environment(_ENVIRONMENT)
        return eval_baseline.pin(
            connection, operated, where, run_id=run_id, by=_PINS, why="a week that people looked at"
        ).summary


def _tonight(site: Site, running: Stack) -> tuple[RunReport, Path] | None:
    """Run the night through Prefect; return its report and where that is kept."""
    run = runs.trigger(running, DEPLOYMENT, {"project": str(site.project)})
    screen = Screen(telling=True)
    ended = run
    for seen in runs.follow(running, run.id):
        if isinstance(seen, FlowRun):
            ended = seen
        elif seen.ok is not None:
            screen.finished(seen.title, Evidence(ok=seen.ok, summary=seen.summary), seen.seconds)
    folder = bundle.of_run(site.project, str(run.id))
    report = _report(folder) if folder else None
    if folder is None or report is None:
        said = f"{ended.state.name}: {ended.state.message}" if ended.state else "it never started"
        _say(f"\nThe night left no report. {said}\nThe worker's log ends with:\n{running.log('worker')}")
        return None
    kept = Path.cwd() / "artifacts" / "ops" / folder.parent.name / f"{folder.name}_demo"
    shutil.copytree(folder, kept, dirs_exist_ok=True)
    return report, kept


def _report(folder: Path) -> RunReport | None:
    path = folder / eval_report.RESULT
    return RunReport.model_validate_json(path.read_bytes()) if path.is_file() else None


def _judged(report: RunReport, kept: Path, *, worse: bool) -> int:
    """Show the verdict, and say whether just the right one was accused."""
    _say(f"\n{words.headline(report)}\n{report.summary}\n")
    for one in report.slices:
        if set(one.where) == {"provider"}:
            valid = next(each for each in one.measures if each.measure == "schema_valid")
            _say(
                f"   {one.where['provider']:<10} schema-valid {words.percent(valid.rate):>8} "
                f"({words.interval(valid)}), "
                f"{words.points(valid.delta)} points to the baseline: {words.VERDICTS[one.verdict]}"
            )
    _say(f"\nThe report  {kept / eval_report.PAGE}")
    failed = {dict(each.where).get("provider") for each in report.comparisons if each.verdict == "fail"}
    accused = {name for name in failed if name}
    expected = {demo_eval_records.WORSE} if worse else set[str]()
    right = accused == expected and (report.verdict == "fail") == worse
    if not right:
        named = ", ".join(sorted(accused)) or "nobody"
        _say(f"That is not what was put in: {named} was accused.")
    return 0 if right else 1


def _say(line: str) -> None:
    print(line, flush=True)


def _leave(signum: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signum)
