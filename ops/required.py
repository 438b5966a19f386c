"""The verdict on a deploy: deploy-gate.md, "Evidence to Store After Every Deploy (Required 4)"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from ops.deploy_choices import Part, Phase
from ops.deploy_gated import Gated
from ops.deploy_verdict import Check, DeployGate, Required
from ops.verdict import Verdict


def conclude(gate: Gated) -> DeployGate:
    """Judge a phase by what its parts found, and by the evidence without which it has not passed."""
    plan = gate.plan
    required = () if plan.partial else tuple(evidence(gate))
    failed = [check for check in gate.checks.values() if check.status != "passed"]
    missing = [each for each in required if not each.present]
    wrong = [
        *(f"{each.part}: {each.summary.rstrip('.')}" for each in failed if _counts(each, gate)),
        *_odd(gate),
    ]
    good = not wrong and not missing
    return DeployGate(
        ok=good,
        verdict=Verdict.PASSED if good else Verdict.FAILED,
        summary=_summary(gate, wrong, missing),
        rows=tuple(
            {"part": each.part, "status": each.status, "found": each.summary} for each in gate.checks.values()
        ),
        project=plan.project.name,
        environment=plan.environment.name,
        phase=plan.phase,
        deploy=plan.deploy,
        partial=plan.partial,
        commit=gate.commit,
        started=gate.started,
        duration_ms=round((datetime.now(UTC) - gate.started).total_seconds() * 1000, 1),
        checks=tuple(gate.checks.values()),
        required=required,
        checklist=gate.checklist,
        findings=tuple(gate.findings),
        next_steps=tuple(dict.fromkeys(step for check in failed for step in check.next_steps)),
        bundle=str(gate.bundle.path) if gate.bundle else None,
    )


def evidence(gate: Gated) -> Iterator[Required]:
    """Yield each piece of evidence that this phase must have; the checklist is due after the deploy."""
    commit = gate.commit
    yield Required(
        what="git commit",
        present=commit is not None,
        said=f"{commit.hash}, {_yes(commit.clean, 'clean')}, {_yes(commit.pushed, 'pushed')}"
        if commit
        else "not known",
    )
    yield _result("schema check", gate.checks.get(Part.SCHEMA))
    yield _result("smoke", gate.checks.get(Part.SMOKE))
    if gate.plan.phase is Phase.POST:
        asked = gate.checklist
        status = asked.status if asked else "not asked"
        said = f": {asked.said}" if asked and asked.said else ""
        yield Required(what="manual checklist", present=status == "confirmed", said=f"{status}{said}")
    yield Required(
        what=f"integrity_{gate.plan.phase}.json",
        present=gate.integrity is not None,
        said="kept in the bundle" if gate.integrity is not None else "not there",
    )


def _result(what: str, check: Check | None) -> Required:
    status = check.status if check else "not checked"
    return Required(what=what, present=status != "not checked", said=status)


def _yes(holds: bool | None, word: str) -> str:
    return f"{word} not known" if holds is None else word if holds else f"not {word}"


def _counts(check: Check, gate: Gated) -> bool:
    """What was not checked is missing evidence where it is required; asked for alone it is no success either."""
    return check.status == "failed" or gate.plan.partial


def _odd(gate: Gated) -> Iterator[str]:
    """Yield what contradicts between the two phases."""
    before = gate.record
    if gate.plan.partial or gate.plan.phase is not Phase.POST or before is None:
        return
    if before.verdict_before != Verdict.PASSED:
        said = before.verdict_before or "not concluded"
        yield f"the phase before the deploy is {said}, and it was deployed all the same"
    checked = before.commit_before
    # Where there is no repository a hash may be given in short.
    if gate.commit and checked and not _same(checked, gate.commit.hash):
        yield (
            f"before the deploy commit {checked[:12]} was looked at, and {gate.commit.hash[:12]} is deployed: "
            "what was tested is not what runs"
        )


def _same(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _summary(gate: Gated, wrong: list[str], missing: list[Required]) -> str:
    plan = gate.plan
    name = f"{plan.project.name} on {plan.environment.name}"
    if plan.partial:
        parts = ", ".join(plan.only)
        held = "all hold" if not wrong else "; ".join(wrong)
        return f"{name}: looked at {parts} alone, which is no verdict on a deploy: {held}."
    said = [*wrong]
    if missing:
        said.append(
            f"required evidence is missing: {', '.join(f'{each.what} ({each.said})' for each in missing)}"
        )
    held = "may be deployed" if plan.phase is Phase.PRE else "is deployed and works"
    if not said:
        return f"{name}: {plan.deploy} {held}; all required evidence is there."
    first, *rest = said
    more = "".join(f"; {each}" for each in rest)
    return f"{name}: {plan.deploy} has not passed its {plan.phase} gate: {first}{more}."
