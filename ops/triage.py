"""What stands in the way, what is left to do and what to do next, said from a rehearsal's result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ops.verdict import (
    ContractFile,
    Difference,
    Failure,
    MigrationResult,
    Rehearsal,
    RlsFinding,
    Verdict,
)

_WRONG = {"differs", "failed"}
_SHORT = 80
# staging-rehearsal.md section 9, and what the server's own hint does not say.
_DUPLICATE = (
    "The object exists already: guard it with IF NOT EXISTS or DROP … IF EXISTS before the next rehearsal."
)
_MISSING = (
    "Something it needs is not there: are the migrations before it applied and in this folder? "
    "`supabase migration fetch` brings what only the database knows."
)
_SLOW = "It waited too long: find who holds the lock, keep lock_timeout at 5 s, and note the contention."
_LOGIN = (
    "Check the user (postgres.<project_ref> through the pooler) and the password; after a reset change every "
    "place that has the DSN, and wait for the pooler's circuit breaker to close."
)
_ROWS = "Rows that are there break the new rule: clean them up in an earlier migration, or add it NOT VALID."
_BY_SQLSTATE = {
    **dict.fromkeys(("42P07", "42710", "42701", "42P06", "42723", "42P04"), _DUPLICATE),
    **dict.fromkeys(("42P01", "42703", "42883", "42704", "3F000"), _MISSING),
    **dict.fromkeys(("55P03", "57014", "40P01"), _SLOW),
    **dict.fromkeys(("28P01", "28000"), _LOGIN),
    **dict.fromkeys(("23502", "23503", "23505", "23514"), _ROWS),
    "42501": (
        "`postgres` is no superuser on hosted Supabase: own the object, or have its owner grant what is "
        "missing; some checks need SUPABASE_SERVICE_KEY."
    ),
    "55P04": "A new enum value can be used only once its migration has committed: use it in the next file.",
    "25001": "The statement cannot run in a transaction: give it a migration file of its own.",
    "42P17": "The expression is not immutable: versions differ in this, so rehearse on production's.",
    "0A000": "This server cannot do it: compare its version and extensions with production's.",
    "42601": "The parser stops here: mend the syntax at this line.",
    "42P13": "The function's signature changes: DROP FUNCTION first, and create what depends on it again.",
    "2BP01": "Other objects depend on it: drop them first, by name, rather than with CASCADE.",
}
_BY_CLASS = {
    "08": (
        "The connection broke: use the session pooler (a host that ends in .pooler.supabase.com, port 5432), "
        "as the direct host answers on IPv6 only."
    ),
    "53": "The server is out of room or connections: wait, or free some, and run it again.",
}


def hint(failure: Failure) -> str | None:
    """Return what helps against an error of this SQLSTATE, where we know something."""
    state = failure.sqlstate or ""
    return _BY_SQLSTATE.get(state) or _BY_CLASS.get(state[:2])


def describe(difference: Difference) -> str:
    """Say in one line what a rollback did to one object: lost it, left it behind or changed it."""
    lost, left = difference.after is None, difference.before is None
    what = difference.note or (
        "lost" if lost and not left else "left behind" if left and not lost else _change(difference)
    )
    return f"{difference.kind} {difference.object}: {what}"


def _change(difference: Difference) -> str:
    """Name both sides where they are short enough to be read in one line."""
    before, after = " ".join((difference.before or "").split()), " ".join((difference.after or "").split())
    short = before and after and len(before) + len(after) <= _SHORT
    return f"{before} → {after}" if short else "changed"


def describe_all(differences: Sequence[Difference], *, most: int = 3) -> str:
    """Say the first differences and how many more there are."""
    shown = "; ".join(describe(each) for each in differences[:most])
    more = len(differences) - most
    return f"{shown}; +{more} more" if more > 0 else shown


def holds(file: ContractFile) -> bool:
    """Whether a file of assertions ran, asserted something, and all of it was true."""
    complete = file.planned is None or file.planned == file.passed
    return file.error is None and file.failed == 0 and file.passed > 0 and complete


def rls(finding: RlsFinding) -> str:
    """Say what is wrong with the row level security of a table, with its name."""
    return finding.message if finding.table in finding.message else f"{finding.table}: {finding.message}"


def blockers(rehearsal: Rehearsal) -> tuple[str, ...]:
    """Return one sentence for everything that stands in the way of a promotion, worst first."""
    found = tuple(_blockers(rehearsal))
    if not found and needs_scripts(rehearsal):
        missing = counted(rehearsal.counts.rollbacks_missing, "migration")
        return (f"No rollback script for {missing}, and this rehearsal requires one of each.",)
    return found


def needs_scripts(rehearsal: Rehearsal) -> bool:
    """Whether missing rollback scripts are all that is wrong, because they are required."""
    lacking = rehearsal.counts.rollbacks_missing > 0 and rehearsal.verdict is Verdict.FAILED
    return lacking and next(_blockers(rehearsal), None) is None


def follow_ups(rehearsal: Rehearsal) -> tuple[str, ...]:
    """Return what should be done, though nothing is blocked by it."""
    return tuple(_follow_ups(rehearsal))


def next_action(rehearsal: Rehearsal) -> str:
    """Return the one thing to do now."""
    if rehearsal.verdict is Verdict.UNAVAILABLE:
        return "Bring the database within reach, then run the same command again: what is applied is skipped."
    failed_first = sorted(rehearsal.migrations, key=lambda each: each.status not in {"failed", "refused"})
    if mending := next(filter(None, map(_mending, failed_first)), None):
        return f"Mend {mending}, then rehearse again."
    if rehearsal.verdict is Verdict.REFUSED:
        return "Put right what is named above, then rehearse again: nothing was changed."
    if rehearsal.contract.missing:
        return "Bring the contract file back, or say in runbooks.toml that there is none (contract = [])."
    if not rehearsal.ok and not needs_scripts(rehearsal):
        return "Put right what is named above, then rehearse again."
    if rehearsal.counts.rollbacks_missing:
        return f"Write the missing rollback scripts, then {rehearsal.THEN}."
    return f"{rehearsal.THEN.capitalize()}."


def counted(count: int, noun: str) -> str:
    """Return a number and its noun: `1 file`, `2 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _mending(result: MigrationResult) -> str | None:
    """Return what of a migration is to be mended, if anything."""
    if result.status in {"failed", "refused"}:
        file = (result.error and result.error.file) or result.file
        line = result.error and result.error.line
        return f"{_base_name(file)} at line {line}" if line else _base_name(file)
    if result.rollback.status in _WRONG:
        return f"{_base_name(result.rollback.script or result.file)} so that it restores"
    if result.reapply.status in _WRONG:
        return f"{_base_name(result.file)} so that it can be applied again"
    return None


def _base_name(path: str) -> str:
    return path.rpartition("/")[2]


def _blockers(rehearsal: Rehearsal) -> Iterator[str]:
    if rehearsal.error:
        yield str(rehearsal.error)
    for result in rehearsal.migrations:
        yield from _migration_blockers(result)
    if rehearsal.chain.status in {"differs", "failed"}:
        what = rehearsal.chain.reason or describe_all(rehearsal.chain.differences)
        yield f"The whole chain, rolled back and applied again: {what}"
    if rehearsal.contract.missing:
        yield f"The contract is missing: {rehearsal.contract.missing}"
    for file in rehearsal.contract.files:
        if not holds(file):
            yield f"Contract {file.name}: {contract_outcome(file)}"
    for finding in rehearsal.rls.findings:
        if finding.level == "error":
            yield f"RLS: {rls(finding)}"


def contract_outcome(file: ContractFile) -> str:
    """Say in one line how a file of assertions went."""
    planned = f" of {file.planned}" if file.planned is not None else ""
    counted = f"{file.passed}{planned} passed, {file.failed} failed"
    named = file.error or "; ".join(file.failures[:3]) or ("nothing was asserted" if not file.passed else "")
    return f"{counted}: {named}" if named else counted


def _migration_blockers(result: MigrationResult) -> Iterator[str]:
    if result.status in {"failed", "refused"}:
        yield str(result.error) if result.error else f"{result.file} was {result.status}."
    script = result.rollback.script or result.file
    if result.rollback.status == "differs":
        yield f"{script} runs and does not restore: {describe_all(result.rollback.differences)}"
    if result.rollback.status == "failed":
        yield f"{script} fails: {result.rollback.error or 'no error was named'}"
    if result.reapply.status == "differs":
        found = describe_all(result.reapply.differences)
        yield f"{result.file}, applied again, gives another result: {found}"
    if result.reapply.status == "failed":
        yield f"{result.file} cannot be applied again: {result.reapply.error or 'no error was named'}"


def _follow_ups(rehearsal: Rehearsal) -> Iterator[str]:
    missing = [each.file for each in rehearsal.migrations if each.rollback.status == "missing"]
    for file in missing:
        yield f"Write a rollback script for {file}."
    blind = [each for each in rehearsal.migrations if each.rollback.status == "proven"]
    if blind and not any(each.rollback.rows_seen for each in blind):
        yield "The rollback proofs saw no rows: add a seed.sql or rehearse on a clone to prove more."
    yield from rehearsal.base.warnings
    yield from rehearsal.findings
    for result in rehearsal.migrations:
        yield from (f"{result.file}: {finding}" for finding in result.findings)
    for finding in rehearsal.rls.findings:
        if finding.level == "warning":
            yield f"RLS: {rls(finding)}"
