"""A rehearsal in Markdown: the hand-off note of a bundle and the artifact in the Prefect UI."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

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
        ("## Next action", "", escaped(triage.next_action(rehearsal)), ""),
        _hints(rehearsal),
        _links(logs or {}),
    )
    return secrets.redact("\n".join(line for section in sections for line in section))


def _head(rehearsal: Rehearsal) -> Iterator[str]:
    yield f"# {rehearsal.verdict.upper()}: {escaped(rehearsal.project)} on {escaped(rehearsal.environment)}"
    yield from ("", escaped(rehearsal.summary), "")
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
    yield from table(("", ""), [(name, value) for name, value in facts.items() if value])


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
    yield from (f"### {escaped(file)}", "", f"**{escaped(str(failure))}**", "")
    for name, text in (
        ("Detail", failure.detail),
        ("Hint", failure.hint),
        ("What helps", triage.hint(failure)),
    ):
        if text:
            yield f"- {name}: {escaped(text)}"
    if failure.statement:
        yield from ("", *fenced("sql", failure.statement))
    yield ""


def _rollbacks(rehearsal: Rehearsal) -> Iterator[str]:
    wrong = [each for each in rehearsal.migrations if each.rollback.status in {"differs", "failed"}]
    if wrong:
        yield from ("## Rollbacks that do not restore", "")
    for result in wrong[:_MOST_ROWS]:
        yield from (f"### {escaped(result.rollback.script or result.file)}", "")
        yield from _rollback(result.rollback)


def _rollback(rollback: Rollback) -> Iterator[str]:
    if rollback.error:
        yield from _failure("The script fails", rollback.error)
    shown = rollback.differences[:_MOST_DIFFERENCES]
    if not shown:
        return
    yield from table(
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
    yield from table(("migration", "status", "took", "rollback", "applied again", "lint"), rows)
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
        yield from ("## Contract", "", *table(("file", "outcome"), files))
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
    yield from (f"- {escaped(line)}" for line in lines[:_MOST_ROWS])
    if len(lines) > _MOST_ROWS:
        yield f"- and {len(lines) - _MOST_ROWS} more in `rehearsal.json`"
    yield from ((none, "") if not lines else ("",))


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(names)} |"
    yield f"|{' --- |' * len(names)}"
    yield from (f"| {' | '.join(_cell(value) for value in row)} |" for row in rows)
    yield ""


def _cell(value: str) -> str:
    return escaped(value).replace("|", "\\|")


def escaped(value: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    flat = html.escape(" ".join(value.split()), quote=False)
    return re.sub(r"([\\`*_\[\]])", r"\\\1", flat)


def fenced(language: str, text: str) -> tuple[str, ...]:
    """Return a block of code that its own backticks cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return (f"{fence}{language}", text.strip("\n"), fence)
