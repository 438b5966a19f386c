"""The note of a release: what was rolled out, by whom and when, and what was seen; for the release log.

Source: phase2-rollout-and-eval.md, section 4, "Post-rollout Logging".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from ops import markdown as md
from ops import secrets

_NONE = "not recorded"
_LONGEST = 2000


class Query(BaseModel):
    """A verification query, and what it said."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    ok: bool
    output: str


class Facts(BaseModel):
    """What a release note says; a time without a zone is taken for UTC, and one that is not known is said to be so."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    project: str
    environment: str
    rolled_out: datetime
    operator: str
    staging_started: datetime | None = None
    staging_ended: datetime | None = None
    prod_started: datetime | None = None
    prod_ended: datetime | None = None
    verification: tuple[Query, ...] = ()
    rollback_test: str
    commit: str | None = None
    plan_digest: str
    change_digest: str
    migrations: tuple[str, ...] = ()
    overlay: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


def file_name(facts: Facts) -> str:
    """Return the file of the note: the same release has the same, however often it is written down."""
    environment = re.sub(r"[^A-Za-z0-9-]+", "-", facts.environment)
    return f"{_utc(facts.rolled_out):%Y-%m-%d}-{environment}-{facts.plan_digest[:8]}.md"


def markdown(facts: Facts) -> str:
    """Return the note."""
    failed = sum(not query.ok for query in facts.verification)
    verified = f"{len(facts.verification)} asked, {failed} not as expected" if facts.verification else _NONE
    fields = {
        "Rollout timestamp": _time(facts.rolled_out),
        "Operator": facts.operator or _NONE,
        "Staging start/end": _span(facts.staging_started, facts.staging_ended),
        "Prod start/end": _span(facts.prod_started, facts.prod_ended),
        "Verification query outputs": verified,
        "Rollback test result (staging)": facts.rollback_test or _NONE,
        "Commit": facts.commit or _NONE,
        "Plan": facts.plan_digest,
        "Change": facts.change_digest,
    }
    title = f"# Release of {md.escaped(facts.project)} to {md.escaped(facts.environment)}"
    sections = (
        (title, "", *md.table(("", ""), fields.items())),
        _list("Migrations", facts.migrations),
        _list("Overlay", facts.overlay),
        ("## Verification queries", "", *_queries(facts.verification)),
        _list("Findings", facts.findings),
    )
    return secrets.redact("\n".join(line for section in sections for line in section).rstrip("\n") + "\n")


def _queries(queries: tuple[Query, ...]) -> Iterator[str]:
    if not queries:
        yield from ("None.", "")
    for query in queries:
        yield from (f"### {md.escaped(query.name)}: {'as expected' if query.ok else 'NOT as expected'}", "")
        cut = query.output[:_LONGEST] + ("\n... cut off" if len(query.output) > _LONGEST else "")
        yield from (*md.fenced("", cut), "")


def _list(title: str, lines: tuple[str, ...]) -> Iterator[str]:
    yield from (f"## {title}", "", *(f"- {md.escaped(line)}" for line in lines))
    yield from (("None.", "") if not lines else ("",))


def _span(start: datetime | None, end: datetime | None) -> str:
    if start is None and end is None:
        return _NONE
    return f"{_time(start) if start else _NONE} / {_time(end) if end else _NONE}"


def _time(moment: datetime) -> str:
    return f"{_utc(moment):%Y-%m-%d %H:%M:%S} UTC"


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
