"""A rehearsal in Markdown: the hand-off note of a bundle and the artifact in the Prefect UI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ops import markdown as md
from ops import secrets, triage
from ops.verdict import Failure, MigrationResult, Rehearsal, Rollback

# Beyond these a note is no note; rehearsal.json has them all.
_MOST_ROWS = 40
_MOST_DIFFERENCES = 10


def markdown(rehearsal: Rehearsal, *, logs: Mapping[str, str] | None = None) -> str:
    """Return the note; `logs` maps what a log shows to its file, relative to the note."""
    sections = (
        _head(rehearsal),
        _bullets("Blockers", triage.blockers(rehearsal), none="None."),
        _failures(rehearsal),
        _rollbacks(rehearsal),
        _migrations(rehearsal),
        _contract(rehearsal),
        _bullets("Follow-ups", triage.follow_ups(rehearsal), none="None."),
        ("## Next action", "", md.escaped(triage.next_action(rehearsal)), ""),
        _hints(rehearsal),
        _links(logs or {}),
    )
    return secrets.redact("\n".join(line for section in sections for line in section))


def _head(rehearsal: Rehearsal) -> Iterator[str]:
    yield f"# {rehearsal.verdict.upper()}: {md.escaped(rehearsal.project)} on {md.escaped(rehearsal.environment)}"
    yield from ("", md.escaped(rehearsal.summary), "")
    facts = {
        "Objective": "Rehearse the pending migrations and prove that each can be rolled back",
        "Started": rehearsal.started,
        "Took": f"{rehearsal.duration_ms / 1000:.1f} s" if rehearsal.duration_ms else "",
        "Commit": rehearsal.commit or "",
        "Change": rehearsal.change_digest or "",
        "Overlay of": rehearsal.change.overlay_environment if rehearsal.change else "",
        "Database": _database(rehearsal),
        "Stand-ins": ", ".join(rehearsal.base.stand_ins),
        "Migrations": _counted(rehearsal),
        "Rollbacks": _rollback_counts(rehearsal),
        "Whole chain": rehearsal.chain.status,
        "Bundle": rehearsal.bundle or "",
    }
    yield from md.table(("", ""), [(name, value) for name, value in facts.items() if value])


def _database(rehearsal: Rehearsal) -> str:
    version = f", PostgreSQL {rehearsal.base.server_version}" if rehearsal.base.server_version else ""
    return f"{rehearsal.base.place}{version}"


def _counted(rehearsal: Rehearsal) -> str:
    counts = rehearsal.counts
    parts = {name: getattr(counts, name) for name in ("applied", "failed", "refused", "skipped")}
    named = ", ".join(f"{count} {name}" for name, count in parts.items() if count or name == "applied")
    return f"{named} of {counts.pending} pending ({counts.files} files)"


def _rollback_counts(rehearsal: Rehearsal) -> str:
    counts = rehearsal.counts
    seen = sum(each.rollback.rows_seen for each in rehearsal.migrations)
    return (
        f"{counts.rollbacks_proven} proven, {counts.rollbacks_wrong} wrong, "
        f"{counts.rollbacks_missing} missing; the proofs compared {seen:,} rows"
    )


def _failures(rehearsal: Rehearsal) -> Iterator[str]:
    failed = [each for each in rehearsal.migrations if each.error]
    if failed:
        yield from ("## What failed", "")
    for result in failed[:_MOST_ROWS]:
        if result.error:
            yield from _failure(result.file, result.error)


def _failure(file: str, failure: Failure) -> Iterator[str]:
    yield from (f"### {md.escaped(file)}", "", f"**{md.escaped(str(failure))}**", "")
    for name, text in (
        ("Detail", failure.detail),
        ("Hint", failure.hint),
        ("What helps", triage.hint(failure)),
    ):
        if text:
            yield f"- {name}: {md.escaped(text)}"
    if failure.statement:
        yield from ("", *md.fenced("sql", failure.statement))
    yield ""


def _rollbacks(rehearsal: Rehearsal) -> Iterator[str]:
    wrong = [each for each in rehearsal.migrations if each.rollback.status in {"differs", "failed"}]
    if wrong:
        yield from ("## Rollbacks that do not restore", "")
    for result in wrong[:_MOST_ROWS]:
        yield from (f"### {md.escaped(result.rollback.script or result.file)}", "")
        yield from _rollback(result.rollback)


def _rollback(rollback: Rollback) -> Iterator[str]:
    if rollback.error:
        yield from _failure("The script fails", rollback.error)
    shown = rollback.differences[:_MOST_DIFFERENCES]
    if not shown:
        return
    yield from md.table(
        ("what", "before", "after the rollback"),
        [(triage.describe(each), each.before or "", each.after or "") for each in shown],
    )
    more = len(rollback.differences) - len(shown)
    if more > 0:
        yield from (f"and {more} more in `rehearsal.json`.", "")


def _migrations(rehearsal: Rehearsal) -> Iterator[str]:
    if not rehearsal.migrations:
        return
    yield from ("## Migrations", "")
    ordered = sorted(rehearsal.migrations, key=lambda each: not _needs_attention(each))
    rows = [
        (
            each.file,
            each.status,
            "" if each.duration_ms is None else f"{each.duration_ms:.0f} ms",
            each.rollback.status,
            each.reapply.status,
            str(len(each.lint) or ""),
        )
        for each in ordered[:_MOST_ROWS]
    ]
    yield from md.table(("migration", "status", "took", "rollback", "applied again", "lint"), rows)
    more = len(ordered) - len(rows)
    if more > 0:
        yield from (f"and {more} more in `rehearsal.json`.", "")


def _needs_attention(result: MigrationResult) -> bool:
    wrong = {"differs", "failed"}
    return (
        result.status in {"failed", "refused"}
        or result.rollback.status in wrong
        or result.reapply.status in wrong
    )


def _contract(rehearsal: Rehearsal) -> Iterator[str]:
    files = [(each.name, triage.contract_outcome(each)) for each in rehearsal.contract.files]
    if files:
        yield from ("## Contract", "", *md.table(("file", "outcome"), files))
    tables = rehearsal.rls.tables
    if tables:
        off = sum(not each.enabled for each in tables)
        yield from (f"RLS: {triage.counted(len(tables), 'exposed table')}, {off} with RLS off.", "")


def _hints(rehearsal: Rehearsal) -> Iterator[str]:
    found = {
        each.error.sqlstate: triage.hint(each.error)
        for each in (rehearsal, *rehearsal.migrations)
        if each.error and triage.hint(each.error)
    }
    lines = [f"{state}: {text}" for state, text in sorted(found.items(), key=str)]
    return _bullets("Troubleshooting", lines, none="") if lines else iter(())


def _links(logs: Mapping[str, str]) -> Iterator[str]:
    if logs:
        yield from ("## Logs", "")
        yield from (f"- {name}: [{file}]({file})" for name, file in logs.items())
        yield ""


def _bullets(title: str, lines: Sequence[str], *, none: str) -> Iterator[str]:
    yield from (f"## {title}", "")
    yield from (f"- {md.escaped(line)}" for line in lines[:_MOST_ROWS])
    if len(lines) > _MOST_ROWS:
        yield f"- and {len(lines) - _MOST_ROWS} more in `rehearsal.json`"
    yield from ((none, "") if not lines else ("",))
