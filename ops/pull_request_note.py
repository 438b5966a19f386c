"""The gate's result in Markdown, as a pull request shows it: the verdict first, bounded whatever happened."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from ops import drift, secrets, triage, verification
from ops import markdown as md
from ops.pull_request_result import PullRequest
from ops.verdict import Difference, MigrationResult

# GitHub takes so many characters in a comment; more bytes than that are never more characters.
LIMIT = 65_536
_ROWS = (40, 20, 10, 5, 2, 0)
_LONGEST = 400
_MARKS = {"passed": "✅", "failed": "❌", "refused": "⛔", "unavailable": "⚠️"}
_SIDES = {"left": "only in the migrations", "right": "only on staging", "both": "not the same"}


def marker(project: str) -> str:
    """Return the hidden first line by which the comment of a project is found again."""
    return f"<!-- supabase-runbooks pr-gate {re.sub(r'[^A-Za-z0-9._-]', '-', project)} -->"


def markdown(found: PullRequest, *, limit: int = LIMIT) -> str:
    """Return the comment; where it would be too long, each table has fewer rows."""
    text = ""
    for most in _ROWS:
        text = _written(found, most)
        if len(text.encode()) <= limit:
            return text
    return text.encode()[: limit - 16].decode("utf-8", "ignore") + "\n\n… cut off\n"


def _written(found: PullRequest, most: int) -> str:
    sections = (
        (marker(found.project), ""),
        _head(found),
        _migrations(found, most),
        _findings(found, most),
        _drift(found, most),
        _remarks(found, most),
        _foot(found),
    )
    return secrets.redact("\n".join(line for section in sections for line in section))


def _head(found: PullRequest) -> Iterator[str]:
    yield f"## {_MARKS[found.verdict]} {found.verdict.upper()}: {md.escaped(found.project)}"
    yield from ("", _clipped(found.summary), "")


def _migrations(found: PullRequest, most: int) -> Iterator[str]:
    yield from ("### Migrations", "")
    if not found.migrations:
        yield from ("Nothing was rehearsed." if found.error else "Nothing is added.", "")
        return
    ordered = sorted(found.migrations, key=lambda each: not _is_wrong(each))
    rows = [_row(each) for each in ordered[:most]]
    yield from md.table(("migration", "status", "rollback", "applied again"), rows)
    yield from _more(len(ordered) - len(rows))


def _row(each: MigrationResult) -> tuple[str, str, str, str]:
    took = "" if each.duration_ms is None else f" in {each.duration_ms:.0f} ms"
    marks = {"proven": "✅ proven", "same": "✅ same", "missing": "⚠️ missing", "skipped": "not tried"}
    rollback = marks.get(each.rollback.status, f"❌ {each.rollback.status}")
    again = marks.get(each.reapply.status, f"❌ {each.reapply.status}")
    return each.file, f"{each.status}{took}", rollback, again


def _is_wrong(each: MigrationResult) -> bool:
    return each.status in {"failed", "refused"} or each.rollback.status in {"differs", "failed"}


def _findings(found: PullRequest, most: int) -> Iterator[str]:
    lines = list(_blocking(found))
    if not lines:
        return
    yield from ("### What must be mended", "")
    yield from (f"- {line()}" for line in lines[:most])
    yield from _more(len(lines) - most)


def _blocking(found: PullRequest) -> Iterator[Callable[[], str]]:
    """Yield what writes each line: of thousands only the first are shown."""
    for change in found.branch.changes:
        if change.fails:
            yield partial(_named, change.place, change.said)
    yield from (partial(_clipped, line) for line in triage.blockers(found))
    for file in found.verification.files:
        if verification.fails(file):
            yield partial(_named, file.name, triage.contract_outcome(file))
    for glob in found.verification.missing:
        yield partial("No verification script matches {}.".format, md.code(glob))


def _named(name: str, said: str) -> str:
    return f"{md.code(name)} {_clipped(said)}"


def _drift(found: PullRequest, most: int) -> Iterator[str]:
    drifted = found.drift
    yield from ("### Drift", "")
    if drifted.staging is None:
        yield from (f"Not looked for: {_clipped(drifted.reason or 'the gate never began')}.", "")
        return
    if drifted.status == "unknown":
        yield from (f"Not known: {_clipped(drifted.reason or '')}", "")
        return
    left_out = [f"{drifted.ignored:,} ignored"] if drifted.ignored else []
    many = triage.counted(len(drifted.differences), "difference")
    between = f"staging ({drifted.staging.database}) and the state of {drifted.compared_with}"
    yield from (_clipped(f"{many} between {between}."), "")
    yield from ((_clipped(", ".join(left_out)) + ".", "") if left_out else ())
    shown = drifted.differences[:most]
    if shown:
        yield from md.table(
            ("object", "where", "migrations", "staging"), [_different(each) for each in shown]
        )
        yield from _more(len(drifted.differences) - len(shown))
    yield from (f"> {_clipped(warning)}" for warning in drifted.warnings)


def _different(each: Difference) -> tuple[str, str, str, str]:
    before, after = each.before or "", each.after or ""
    if each.before is not None and each.after is not None:
        before, after = _apart(before, after)
    name = f"{each.kind} {each.object}"
    return _short(name), _SIDES[drift.where(each)], _short(before), _short(after)


def _apart(before: str, after: str) -> tuple[str, str]:
    """Return the lines of two definitions that are not in both."""
    left, right = before.splitlines(), after.splitlines()
    both = {*left} & {*right}
    only = [line for line in left if line not in both], [line for line in right if line not in both]
    return ("\n".join(only[0]), "\n".join(only[1])) if any(only) else (before, after)


def _remarks(found: PullRequest, most: int) -> Iterator[str]:
    lines = [
        *triage.follow_ups(found),
        *(f"{c.place} {c.said}" for c in found.branch.changes if not c.fails and c.kind != "added"),
    ]
    lint = [
        f"{each.file}:{said.line or 1}: {said.rule}: {said.message}"
        for each in found.migrations
        for said in each.lint
    ]
    told = [*lines, *lint]
    if not told:
        return
    yield from ("<details><summary>", f"{triage.counted(len(told), 'remark')}", "</summary>", "")
    yield from (f"- {_clipped(line)}" for line in told[:most])
    yield from _more(len(told) - most)
    yield from ("", "</details>", "")


def _foot(found: PullRequest) -> Iterator[str]:
    facts = {
        "base": found.branch.base,
        "at": (found.branch.base_commit or "")[:12],
        "left at": (found.branch.merge_base or "")[:12],
        "commit": (found.commit or "")[:12],
        "PostgreSQL": found.base.server_version or "",
        "stand-ins": ", ".join(found.base.stand_ins),
    }
    yield (
        "<sub>" + " · ".join(f"{name} {md.escaped(said)}" for name, said in facts.items() if said) + "</sub>"
    )


def _more(count: int) -> Iterator[str]:
    if count > 0:
        yield from (f"and {count:,} more in the evidence.", "")
    else:
        yield ""


def _short(text: str) -> str:
    return md.short(text, _LONGEST)


def _clipped(text: str) -> str:
    return md.escaped(_short(text))
