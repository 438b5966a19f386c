"""The logs of a rehearsal as text, in the form that the runbook's shell loops gave them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from ops import triage
from ops.evidence import Evidence
from ops.verdict import Difference, Failure, MigrationResult, Rehearsal


def table(evidence: Evidence) -> str:
    """Return an evidence's summary and its rows as an aligned table."""
    return "\n".join((evidence.summary, "", *_aligned(evidence.rows))).rstrip() + "\n"


def applied(rehearsal: Rehearsal) -> str:
    """Return migration_apply.log: `==> file` for each migration and `!! failure: file` for what failed."""
    return "".join(f"{line}\n" for each in rehearsal.migrations for line in _apply(each))


def rolled_back(rehearsal: Rehearsal) -> str:
    """Return migration_rollback.log: each script on its own, what is missing, and the whole chain."""
    lines = [line for each in rehearsal.migrations for line in _rollback(each)]
    chain = rehearsal.chain
    lines += ["==> the whole chain, in reverse and applied again", f"    {chain.status}"]
    lines += [f"    {chain.reason}"] if chain.reason else []
    lines += _differences(chain.differences)
    if chain.status in {"differs", "failed"}:
        lines.append("!! rollback failure: the whole chain")
    return "".join(f"{line}\n" for line in lines)


def contract(rehearsal: Rehearsal) -> str:
    """Return rls_contract.log: every file of assertions, then the RLS coverage of every exposed table."""
    return "".join(f"{line}\n" for line in (*_contract(rehearsal), *_coverage(rehearsal)))


def _apply(result: MigrationResult) -> Iterator[str]:
    yield f"==> {result.file}"
    if result.status == "skipped":
        yield "    skipped"
    if result.status == "applied":
        how = "in one transaction" if result.transactional else "statement by statement"
        yield f"    applied {how} in {result.duration_ms or 0:.1f} ms, attempts: {result.attempts}"
        yield from _effects(result)
    for finding in result.findings:
        yield f"    finding: {finding}"
    for lint in result.lint:
        place = ":".join(str(part) for part in (lint.line, lint.column) if part is not None)
        yield " ".join(part for part in ("    lint", lint.level, lint.rule, place, lint.message) if part)
    if result.error:
        yield from _failure(result.error)
    if result.status in {"failed", "refused"}:
        yield f"    {result.status}, attempts: {result.attempts}"
        yield f"!! failure: {result.file}"
    yield ""


def _effects(result: MigrationResult) -> Iterator[str]:
    for lock in result.locks:
        yield f"    lock {lock.mode} on {lock.object}"
    for name in result.tables_rewritten:
        yield f"    rewrote {name}"
    wal = "unknown" if result.wal_bytes is None else f"{result.wal_bytes} bytes"
    timeout = "none" if result.lock_timeout_ms is None else f"{result.lock_timeout_ms} ms"
    yield f"    rows written: {result.rows_written}, WAL: {wal}, lock_timeout: {timeout}"


def _rollback(result: MigrationResult) -> Iterator[str]:
    rollback = result.rollback
    if rollback.status == "missing":
        yield from (f"-- no rollback script: {result.file}", "")
        return
    script = rollback.script or result.file
    yield f"==> rollback {script}"
    took = "" if rollback.duration_ms is None else f" in {rollback.duration_ms:.1f} ms"
    yield f"    {rollback.status}{took}, rows compared: {rollback.rows_seen}"
    yield from _differences(rollback.differences)
    if rollback.error:
        yield from _failure(rollback.error)
    if rollback.status in {"differs", "failed"}:
        yield f"!! rollback failure: {script}"
    yield f"    applied again: {result.reapply.status}"
    yield from _differences(result.reapply.differences)
    if result.reapply.error:
        yield from _failure(result.reapply.error)
    if result.reapply.status in {"differs", "failed"}:
        yield f"!! failure: {result.file} (applied again)"
    yield ""


def _failure(failure: Failure) -> Iterator[str]:
    yield f"    {failure}"
    parts = {"detail": failure.detail, "hint": failure.hint, "statement": failure.statement}
    for name, text in parts.items():
        if text:
            first, *rest = text.strip().splitlines() or [""]
            yield f"    {name}: {first}"
            yield from (f"      {line}" for line in rest)


def _differences(differences: Sequence[Difference]) -> Iterator[str]:
    for each in differences:
        yield f"    {triage.describe(each)}"
        for name, text in (("before", each.before), ("after", each.after)):
            if text is not None:
                yield from (f"      {name}: {line}" for line in text.strip().splitlines())


def _contract(rehearsal: Rehearsal) -> Iterator[str]:
    if rehearsal.contract.missing:
        yield f"!! failure: {rehearsal.contract.missing}"
    for file in rehearsal.contract.files:
        yield f"==> {file.name}"
        yield f"    {triage.contract_outcome(file)}"
        yield from (f"    not ok: {failure}" for failure in file.failures)
        if not triage.holds(file):
            yield f"!! failure: {file.name}"
        yield ""


def _coverage(rehearsal: Rehearsal) -> Iterator[str]:
    yield "==> RLS coverage of the exposed schemas"
    rows = [
        {
            "table": each.table,
            "rls": "on" if each.enabled else "OFF",
            "forced": "yes" if each.forced else "no",
            "policies": each.policies,
        }
        for each in rehearsal.rls.tables
    ]
    yield from (f"    {line}" for line in _aligned(rows) or ("no tables",))
    for finding in rehearsal.rls.findings:
        mark = "!! failure:" if finding.level == "error" else "    warning:"
        yield f"{mark} {triage.rls(finding)}"


def _aligned(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[" ".join(_cell(row.get(name)).split()) for name in names] for row in rows]
    widths = [max(len(name), *(len(row[at]) for row in cells)) for at, name in enumerate(names)]
    lines = [names, ["-" * width for width in widths], *cells]
    padded = (zip(line, widths, strict=True) for line in lines)
    return ["  ".join(text.ljust(width) for text, width in line).rstrip() for line in padded]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set | frozenset):
        return "; ".join(str(each) for each in cast("Iterable[object]", value))
    return str(value)
