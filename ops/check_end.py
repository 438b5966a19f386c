"""The end of a scheduled check: its verdict, its report in the bundle, and word to people when it has changed."""

from __future__ import annotations

from collections.abc import Sequence

from ops import check_known, check_memory, check_report, errors, secrets, telling
from ops.check_memory import Known
from ops.checked import Checked, Report, Reported, Verdict
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence

RESULT = "checks.json"
PAGE = "checks.md"
BROKEN = "not-checked"


def list_findings(checking: Checking) -> Evidence:
    """Hold what was found against the last time and against what is known, as one table."""
    found = check_known.reported(checking)
    return Evidence(
        ok=_verdict(found) != "failed",
        summary=_said(checking, found),
        rows=tuple(check_report.row(each) for each in found),
    )


def hand_off(checking: Checking) -> Checked:
    """Write the report into the bundle, and tell people what is new and what is mended."""
    plan = checking.plan
    found = check_known.reported(checking)
    gone, unknown = check_known.gone(checking)
    verdict = _verdict(found)
    summary = f"{plan.project.name} on {plan.environment.name}: {verdict}. {_said(checking, found)}"
    report = Report(
        kind=plan.kind,
        project=plan.project.name,
        environment=plan.environment.name,
        run=checking.run,
        at=checking.now,
        verdict=verdict,
        summary=secrets.redact(summary),
        looks=tuple(checking.looks.values()),
        findings=found,
        gone=gone,
        unknown=unknown,
        told=(),
    )
    report = report.model_copy(update={"told": _tell(checking, report)})
    result = Checked(
        ok=verdict != "failed",
        summary=report.summary,
        rows=tuple(check_report.row(each) for each in found),
        verdict=verdict,
        report=report,
        bundle=str(checking.bundle.path) if checking.bundle else None,
    )
    if checking.bundle:
        checking.bundle.write_json(RESULT, report)
        checking.bundle.write_text(PAGE, check_report.markdown_of(report))
        checking.bundle.seal()
    checking.concluded = result
    return result


def hand_off_broken(checking: Checking, error: errors.OpsError) -> Checked:
    """Hand off a check that could not be taken to its end: nobody knows then how the environment is."""
    checking.about = "the check itself"
    finding = Finding(
        kind=BROKEN,
        object=checking.plan.kind,
        severity="failed",
        said=f"The check could not be taken to its end: {error}",
        why="What comes after that was not looked at.",
        todo="Mend that and start the run again.",
    )
    evidence = checking.found([finding], "")
    checking.looked("unseen", evidence)
    return hand_off(checking)


def _verdict(found: Sequence[Reported]) -> Verdict:
    counting = {each.severity for each in found if each.counts}
    if "failed" in counting:
        return "failed"
    return "attention" if counting else "passed"


def _said(checking: Checking, found: Sequence[Reported]) -> str:
    looks = checking.looks.values()
    well = sum(each.state == "well" for each in looks)
    idle = sum(each.state == "idle" for each in looks)
    apart = f"; {idle} have nothing configured" if idle else ""
    counting = [each for each in found if each.counts]
    known = sum(each.acknowledged is not None and each.acknowledged.holds for each in found)
    apart += f"; {known} findings are known and acknowledged" if known else ""
    said = f"{well} of {len(looks)} checks are well{apart}."
    return " ".join([said, *(each.said for each in counting)])


def _tell(checking: Checking, report: Report) -> tuple[str, ...]:
    """Tell once per change; whom nobody could tell is told the next time."""
    before = {each.fingerprint: each for each in checking.memory.known}
    told = {key: each.told for key, each in before.items() if each.told}
    counting = {each.fingerprint: each for each in report.findings if each.counts}
    new = [each for key, each in counting.items() if told.get(key) != each.severity]
    over = [each for each in report.gone if each.fingerprint in told]
    if not new and not over:
        _remember(checking, report, reached=False)
        return ()
    state = {"failed": "FAILED", "attention": "NEEDS A LOOK", "passed": "WELL AGAIN"}[report.verdict]
    text = telling.change(
        f"{report.kind.upper()} {state}: {report.project} on {report.environment}.",
        new=(f"{each.said} {each.todo}{_why_again(each)}" for each in new),
        still=(each.said for each in counting.values() if each not in new),
        gone=(f"{each.kind} ({each.object})" for each in over),
        evidence=str(checking.bundle.path) if checking.bundle else "",
    )
    answer = telling.tell(checking.plan.project, checking.plan.environment, text)
    _remember(checking, report, reached=answer.reached)
    return answer.said


def _why_again(found: Reported) -> str:
    if found.acknowledged is None:
        return ""
    if found.acknowledged.exceeded:
        return f" It was acknowledged as {found.acknowledged.severity} only."
    return " The day up to which it was acknowledged is over."


def _remember(checking: Checking, report: Report, *, reached: bool) -> None:
    """Keep what was found; what nobody was told of is told the next time, and so is what is over."""
    before = {each.fingerprint: each for each in checking.memory.known}
    kept: list[Known] = []
    for each in report.findings:
        earlier = before.get(each.fingerprint)
        told = earlier.told if earlier else None
        if not each.counts:
            told = None
        elif reached:
            told = each.severity
        kept.append(
            Known(
                fingerprint=each.fingerprint,
                kind=each.kind,
                object=each.object,
                about=each.about,
                first=each.first,
                told=told,
            )
        )
    kept += [before[each.fingerprint] for each in report.unknown]
    if not reached:
        kept += [before[each.fingerprint] for each in report.gone if before[each.fingerprint].told]
    memory = checking.memory.model_copy(
        update={
            "at": checking.now,
            "known": tuple(kept),
            "counted": checking.counted,
            "redis": checking.redis.now,
            "replicas": checking.replicas,
        }
    )
    plan = checking.plan
    check_memory.write(plan.out, plan.environment.name, memory, about=plan.kind)
