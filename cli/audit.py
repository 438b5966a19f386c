"""`runbooks audit`: what was decided, whether that is still what was written, and what waits for a review."""

from __future__ import annotations

import sys
from datetime import UTC
from pathlib import Path

import rich.prompt

from ops import audit_proof, reviews, secrets
from ops.audit import Row
from ops.verdict import Verdict


def verify(path: Path, environment: str) -> int:
    """Check the audit log against its hashes and its copy; 0 whole, 1 not."""
    with reviews.opened(path, environment) as (_, log):
        found = audit_proof.verify(log)
        waiting = reviews.unreviewed(log.rows()) if log.exists() else []
    print(found.summary)
    for row in found.rows:
        print(f"  {row['finding']}")
    _remind(waiting)
    return (Verdict.PASSED if found.ok else Verdict.FAILED).exit_code


def show(path: Path, environment: str) -> int:
    """Show the audit log, and which broken glass nobody has reviewed."""
    with reviews.opened(path, environment) as (_, log):
        log.prepare()
        rows = log.rows()
    for row in rows:
        print(secrets.redact(_line(row)))
    _remind(reviews.unreviewed(rows))
    return 0


def _remind(waiting: list[Row]) -> None:
    for row in waiting:
        print(f"Row {row.id} waits for a review: runbooks audit review {row.id} --as NAME", file=sys.stderr)


def review(path: Path, environment: str, number: int, name: str, code: str, note: str) -> int:
    """Write down that somebody else has looked at a broken glass."""
    typed = secrets.open_secret(code) if code else rich.prompt.Prompt.ask("Your code", password=True)
    with reviews.opened(path, environment) as (where, log):
        row = reviews.review(where, log, number, name=name, code=typed, note=note)
    print(f"Row {number} was reviewed by {row.actor}.")
    return 0


def override(path: Path, environment: str, commit: str, name: str, code: str, note: str) -> int:
    """Write down that somebody lets a commit through though the gate of its pull request says no."""
    typed = secrets.open_secret(code) if code else rich.prompt.Prompt.ask("Your code", password=True)
    with reviews.opened(path, environment) as (where, log):
        log.prepare()
        row = reviews.override(where, log, commit, name=name, code=typed, note=note)
    print(f"Row {row.id}: {row.actor} overrides the gate for {commit}. It waits for somebody else's review.")
    return 0


def _line(row: Row) -> str:
    at = row.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    who = f"{row.actor or '-'} ({row.proof})"
    return f"{row.id:5}  {at}  {row.event:12} {who:24} {row.gate:12} {row.plan_digest[:8]:8}  {row.note}"
