"""The end of a look at the backups: the verdict in its bundle, and word to people when it has changed."""

from __future__ import annotations

from ops import backup_memory, errors, telling
from ops.backup_memory import Key
from ops.backup_verification import Verdict, VerifiedBackups, Verifying
from ops.backups import Problem
from ops.evidence import Evidence

RESULT = "backup-verification.json"


def hand_off(verifying: Verifying) -> VerifiedBackups:
    """Write the verdict into the bundle, and tell people what is new and what is mended."""
    plan, problems = verifying.plan, tuple(verifying.problems)
    verdict = _verdict(problems)
    told = _tell(verifying, verdict)
    result = VerifiedBackups(
        ok=verdict != "failed",
        summary=f"The backups of {plan.project.name} on {plan.environment.name}: {verdict}. {_said(verifying)}",
        rows=tuple({"problem": each.kind, "said": each.said, "todo": each.todo} for each in problems),
        verdict=verdict,
        at=verifying.now,
        newest=verifying.newest,
        earliest=verifying.holdings.earliest,
        latest=verifying.holdings.latest,
        problems=problems,
        told=told,
        bundle=str(verifying.bundle.path) if verifying.bundle else None,
    )
    if verifying.bundle:
        verifying.bundle.write_json(
            RESULT, result.model_dump(mode="json", exclude={"rows", "idle", "bundle"})
        )
        verifying.bundle.seal()
    verifying.concluded = result
    return result


def hand_off_broken(verifying: Verifying, error: errors.OpsError) -> Evidence:
    """Hand off a look that could not be taken to its end: nobody knows then whether the backups are good."""
    problem = Problem(
        kind="not-verified",
        object="verification",
        said=f"The backups could not be verified: {error}",
        todo="Mend that and start the run again.",
    )
    verifying.problems.append(problem)
    return hand_off(verifying)


def _verdict(problems: tuple[Problem, ...]) -> Verdict:
    if any(each.blocks for each in problems):
        return "failed"
    return "attention" if problems else "passed"


def _said(verifying: Verifying) -> str:
    if verifying.problems:
        return " ".join(each.said for each in verifying.problems)
    newest, earliest = verifying.newest, verifying.holdings.earliest
    since = (
        f", and every point in time since {earliest:%Y-%m-%d %H:%M} UTC can be restored" if earliest else ""
    )
    return f"{newest.id if newest else 'Nothing'} is whole{since}."


def _tell(verifying: Verifying, verdict: Verdict) -> tuple[str, ...]:
    """Tell once per change; whom nobody could tell is told the next time."""
    plan, memory = verifying.plan, verifying.memory
    now = {(each.kind, each.object): each for each in verifying.problems}
    before = set(memory.told)
    if before == now.keys():
        _remember(verifying, verdict, before)
        return ()
    told = telling.tell(plan.project, plan.environment, _text(verifying, verdict, now, before))
    _remember(verifying, verdict, set(now) if told.reached else before)
    return told.said


def _remember(verifying: Verifying, verdict: Verdict, told: set[Key]) -> None:
    found = tuple((each.kind, each.object) for each in verifying.problems)
    memory = verifying.memory.model_copy(
        update={"told": tuple(sorted(told)), "at": verifying.now, "verdict": verdict, "found": found}
    )
    backup_memory.write(verifying.plan.out, verifying.plan.environment.name, memory)


def _text(verifying: Verifying, verdict: Verdict, now: dict[Key, Problem], before: set[Key]) -> str:
    plan = verifying.plan
    return telling.change(
        f"BACKUPS {verdict.upper()}: {plan.project.name} on {plan.environment.name}.",
        new=(f"{each.said} {each.todo}" for key, each in now.items() if key not in before),
        still=(each.said for key, each in now.items() if key in before),
        gone=(f"{kind} ({where})" for kind, where in sorted(before - now.keys())),
        evidence=str(verifying.bundle.path) if verifying.bundle else "",
    )
