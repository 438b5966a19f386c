"""The verdict of a rehearsal, read from what its steps found."""

from __future__ import annotations

from datetime import UTC, datetime

from ops.rehearsal import Rehearsing
from ops.verdict import Counts, MigrationResult, Rehearsal, Verdict


def conclude(rehearsing: Rehearsing) -> Rehearsal:
    """Say in one object, and in one sentence, whether everything holds."""
    plan = rehearsing.plan
    results = tuple(rehearsing.results[m.file] for m in rehearsing.pending if m.file in rehearsing.results)
    files = len(plan.migrations) + len(plan.overlays)
    counts = count(results, files=files, pending=len(rehearsing.pending))
    wrong = (*_wrong(rehearsing, results, counts), *rehearsing.wrong)
    return Rehearsal(
        ok=not wrong,
        verdict=Verdict.FAILED if wrong else Verdict.PASSED,
        summary=_summary(rehearsing, counts, wrong),
        project=plan.project.name,
        environment=plan.environment.name,
        commit=plan.commit,
        change_digest=plan.change_digest,
        change=plan.change,
        started=rehearsing.started.isoformat(timespec="seconds"),
        duration_ms=round((datetime.now(UTC) - rehearsing.started).total_seconds() * 1000, 1),
        base=rehearsing.base,
        counts=counts,
        migrations=results,
        chain=rehearsing.chain,
        contract=rehearsing.contract,
        rls=rehearsing.rls,
        findings=(*rehearsing.wrong, *rehearsing.findings, *_remarks(rehearsing)),
    )


def count(results: tuple[MigrationResult, ...], *, files: int, pending: int) -> Counts:
    """Count how many migrations ended in which way."""

    def having(status: str) -> int:
        return sum(1 for result in results if result.status == status)

    rollbacks = [result.rollback.status for result in results]
    return Counts(
        files=files,
        pending=pending,
        overlays=sum(1 for result in results if result.overlay),
        applied=having("applied"),
        failed=having("failed"),
        refused=having("refused"),
        skipped=having("skipped"),
        rollbacks_proven=rollbacks.count("proven"),
        rollbacks_wrong=rollbacks.count("differs") + rollbacks.count("failed"),
        rollbacks_missing=rollbacks.count("missing"),
    )


def _wrong(rehearsing: Rehearsing, results: tuple[MigrationResult, ...], counts: Counts) -> list[str]:
    found: list[str] = []
    if counts.failed:
        found.append(f"{_many(counts.failed, 'migration')} failed")
    if counts.rollbacks_wrong:
        found.append(f"{_many(counts.rollbacks_wrong, 'rollback')} did not restore")
    reapplied = sum(1 for result in results if result.reapply.status in ("differs", "failed"))
    if reapplied:
        found.append(f"{_many(reapplied, 'migration')} did not apply the same way again")
    if rehearsing.chain.status in ("differs", "failed"):
        found.append(
            f"the whole chain {'does not restore' if rehearsing.chain.status == 'differs' else 'broke'}"
        )
    if rehearsing.plan.environment.require_rollback and counts.rollbacks_missing:
        found.append(f"{_many(counts.rollbacks_missing, 'migration')} without a rollback script")
    return [*found, *_broken_contract(rehearsing)]


def _broken_contract(rehearsing: Rehearsing) -> list[str]:
    found: list[str] = []
    bad = [file.name for file in rehearsing.contract.files if file.failed or file.error]
    if bad:
        found.append(f"{_many(len(bad), 'contract file')} failed, the first is {bad[0]}")
    if rehearsing.contract.missing and rehearsing.project.configured:
        found.append("its contract is missing")
    holes = [finding for finding in rehearsing.rls.findings if finding.level == "error"]
    if holes:
        found.append(f"{_many(len(holes), 'RLS hole')}, the first in {holes[0].table}")
    return found


def _remarks(rehearsing: Rehearsing) -> list[str]:
    remarks: list[str] = [*rehearsing.plan.overlooked]
    remarks += [
        f"{result.file}: an overlay without a rollback script, so nothing proves that it can be undone"
        for result in rehearsing.results.values()
        if result.overlay and result.rollback.status == "missing"
    ]
    if rehearsing.begun and rehearsing.target.ledger.too_large:
        remarks.append(f"rows not compared, too large: {', '.join(rehearsing.target.ledger.too_large)}")
    if rehearsing.contract.missing and not rehearsing.project.configured:
        remarks.append(rehearsing.contract.missing)
    return remarks


def _summary(rehearsing: Rehearsing, counts: Counts, wrong: tuple[str, ...]) -> str:
    name = rehearsing.project.name
    if wrong:
        return f"{name}: {'; '.join(wrong)}."
    if not counts.pending:
        return f"{name}: nothing is pending{', and its contract holds' if rehearsing.contract.files else ''}."
    files = _many(counts.applied - counts.overlays, "pending migration")
    if counts.overlays and rehearsing.plan.overlay_environment:
        whose = rehearsing.plan.overlay_environment.name
        files = f"{files} and {_many(counts.overlays, 'overlay')} of {whose}"
    applied = f"{files} {'applies' if counts.applied == 1 else 'apply'}"
    proven = f"{_many(counts.rollbacks_proven, 'rollback')} {'is' if counts.rollbacks_proven == 1 else 'are'} proven"
    missing = f", {counts.rollbacks_missing} without a script" if counts.rollbacks_missing else ""
    return f"{name}: {applied}, {proven}{missing}."


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
