"""What a scheduled check comes to: how each look went, what was found, and since when it is known.

`docs/checks.schema.json` is the JSON schema of `checks.json`; `python -m cli.schema` writes it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ops.checks import Finding, Severity
from ops.evidence import Evidence

Verdict = Literal["passed", "attention", "failed"]
# `idle`: nothing is configured that could be looked at; `unseen`: it could not look.
State = Literal["well", "found", "idle", "unseen"]
Change = Literal["new", "still"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Look(_Part):
    """How one of the checks went."""

    about: str
    state: State
    said: str


class Acknowledgement(_Part):
    """Who has said that a finding is known, up to which severity and day, and why.

    `expired`: the day is over. `exceeded`: it has become worse than what was acknowledged.
    """

    severity: Severity
    until: date
    by: str
    why: str
    expired: bool
    exceeded: bool

    @property
    def holds(self) -> bool:
        """Whether the finding counts for nothing by it."""
        return not self.expired and not self.exceeded


class Reported(_Part):
    """A finding in the report: `first` is when a check first found it, `since` when it began, where that is known.

    `counts` says that it is part of the verdict.
    """

    fingerprint: str
    about: str
    kind: str
    object: str
    severity: Severity
    said: str
    why: str
    todo: str
    since: datetime | None
    first: datetime
    change: Change
    counts: bool
    acknowledged: Acknowledgement | None = None


class Gone(_Part):
    """What an earlier check has found and this one has not, though it looked."""

    fingerprint: str
    kind: str
    object: str
    first: datetime


class Report(_Part):
    """The whole of `checks.json`; `unknown` are earlier findings of checks that could not look this time."""

    kind: str
    project: str
    environment: str
    run: str
    at: datetime
    verdict: Verdict
    summary: str
    looks: tuple[Look, ...]
    findings: tuple[Reported, ...]
    gone: tuple[Gone, ...]
    unknown: tuple[Gone, ...]
    told: tuple[str, ...]


class Checked(Evidence):
    """Whether an environment is as it should be: `attention` where nothing fails and something is to be looked at."""

    verdict: Verdict
    report: Report
    bundle: str | None = None


def row_of(finding: Finding) -> dict[str, Any]:
    """Return a finding as a line of a table."""
    return {
        "severity": finding.severity,
        "finding": finding.kind,
        "where": finding.object,
        "what": finding.said,
        "since": finding.since.isoformat(timespec="seconds") if finding.since else "",
        "why": finding.why,
        "do": finding.todo,
    }
