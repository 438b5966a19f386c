"""The audit log of one month for the compliance archive: whole, verified, and as it was written.

Source: supabase-operations.md, "Compliance & Access Control".
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from ops import audit_proof, database, errors, hosted_logs, project, secrets
from ops.audit import Log, Row
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.project import Environment, Project

OWN, PLATFORM, RESULT = "audit_log.jsonl", "platform_audit.jsonl", "audit-export.json"
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class ExportPlan(Evidence):
    """Whose audit log is exported, from `since` up to and without `until`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    month: str
    since: datetime
    until: datetime
    out: Path


class AuditExport(Evidence):
    """What was exported: rows of our own log by number, and entries of the platform's; None where it was not asked."""

    month: str
    first: int | None
    last: int | None
    rows_exported: int
    platform_entries: int | None
    head: str
    bundle: str | None = None


class Exporting:
    """A run that exports."""

    def __init__(self, plan: ExportPlan, run: str) -> None:
        self.plan = plan
        self.run = run
        self.bundle: Bundle | None = None
        self.concluded: Evidence | None = None
        self.rows: tuple[Row, ...] = ()
        self.platform: int | None = None

    @contextmanager
    def log(self) -> Generator[Log]:
        """Open the audit log."""
        dsn = secrets.open_secret(self.plan.environment.database or "")
        with database.connect(dsn, application=self.run[:63]) as connection:
            yield Log.of(self.plan.environment, self.plan.project.root, connection)

    @property
    def folder(self) -> Bundle:
        if self.bundle is None:
            raise ValueError("an export is written into a bundle")
        return self.bundle


def plan(path: str, environment: str, month: str) -> ExportPlan:
    """Say which month is exported, by default the last whole one in UTC; reads files only.

    Raises:
        Refused: the month is none or not over yet, or the environment has no database.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    if where.database is None:
        raise errors.Refused(
            f"The environment {where.name!r} has no database, so it has no audit log to export. "
            "Name it in runbooks.toml."
        )
    now = datetime.now(UTC)
    since, until = _span(month, now)
    if until > now:
        raise errors.Refused(
            f"The month {month!r} is not over yet, so its export would not be whole. Run this again in the next one."
        )
    return ExportPlan(
        ok=True,
        summary=f"To export the audit log of {operated.name} on {where.name}, {since:%Y-%m}.",
        project=operated,
        environment=where,
        month=f"{since:%Y-%m}",
        since=since,
        until=until,
        out=operated.root,
    )


@contextmanager
def opened(plan: ExportPlan, run: str) -> Generator[Exporting]:
    """Begin an export."""
    yield Exporting(plan, run)


def verify_chain(exporting: Exporting) -> Evidence:
    """Verify the whole log, with hashes and copy: what is not what was written is not archived as if it were."""
    with exporting.log() as log:
        return audit_proof.verify(log)


def export_log(exporting: Exporting) -> Evidence:
    """Write the month's rows as JSON lines, in their order."""
    plan = exporting.plan
    with exporting.log() as log:
        rows = log.rows() if log.exists() else []
    exporting.rows = tuple(row for row in rows if plan.since <= row.at < plan.until)
    exporting.folder.write_pieces(OWN, (_line(row.plain) for row in exporting.rows))
    said = f"{len(exporting.rows)} rows of {len(rows)} are of {plan.month}."
    return Evidence(ok=True, summary=said, rows=tuple(_counted(exporting.rows)))


def export_platform(exporting: Exporting) -> Evidence:
    """Write what Supabase itself has logged of its users' and administrators' acts, where a token lets us ask."""
    plan, backups = exporting.plan, exporting.plan.environment.backups
    api = backups.api if backups else None
    if api is None:
        said = "No Management API is configured (backups.api), so Supabase's own audit log is not in this export."
        return Evidence(ok=True, summary=said, idle=True)
    count = 0

    def lines() -> Iterator[str]:
        nonlocal count
        for entry in hosted_logs.entries(api, "auth_audit_logs", since=plan.since, until=plan.until):
            count += 1
            yield _line(entry)

    exporting.folder.write_pieces(PLATFORM, lines())
    exporting.platform = count
    return Evidence(ok=True, summary=f"{count} entries of Supabase's own audit log are of {plan.month}.")


def verify_export(exporting: Exporting) -> Evidence:
    """Read the file back: each row has the hash that it should have, and follows the one before."""
    with exporting.log() as log:
        key = log.key
    text = (exporting.folder.path / OWN).read_text("utf-8")
    kept = [Row.read(json.loads(line)) for line in text.splitlines()]
    wrong = [row.id for row in kept if row.hash != row.hashed(key)]
    wrong += [row.id for before, row in itertools.pairwise(kept) if row.previous != before.hash]
    if wrong or [row.id for row in kept] != [row.id for row in exporting.rows]:
        return Evidence(
            ok=False,
            summary=f"The export is not what the log has: {len(kept)} of {len(exporting.rows)} rows, {len(wrong)} of "
            "them changed. A secret that was masked in it changes a row: look at what the log holds.",
            rows=tuple({"row": number} for number in wrong),
        )
    return Evidence(ok=True, summary=f"Read back: {len(kept)} rows, each as it was written.")


def hand_off(exporting: Exporting) -> AuditExport:
    """Write down what was exported, and seal it."""
    plan, rows = exporting.plan, exporting.rows
    platform = "" if exporting.platform is None else f" and {exporting.platform} entries of Supabase's own"
    found = AuditExport(
        ok=True,
        summary=f"{plan.project.name} on {plan.environment.name}, {plan.month}: {len(rows)} rows of the audit log"
        f"{platform} are exported, verified and sealed.",
        month=plan.month,
        first=rows[0].id if rows else None,
        last=rows[-1].id if rows else None,
        rows_exported=len(rows),
        platform_entries=exporting.platform,
        head=rows[-1].hash if rows else "",
        bundle=str(exporting.folder.path),
    )
    exporting.folder.write_json(RESULT, found.model_dump(mode="json", exclude={"rows", "idle", "bundle"}))
    exporting.folder.seal()
    exporting.concluded = found
    return found


def _span(month: str, now: datetime) -> tuple[datetime, datetime]:
    if month and not _MONTH.fullmatch(month):
        raise errors.Refused(f"{month!r} is no month, so nothing was exported. Say one such as {now:%Y-%m}.")
    this = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC) if month else _begun(now)
    since = this if month else _begun(datetime.fromordinal(this.toordinal() - 1))
    until = datetime(since.year + since.month // 12, since.month % 12 + 1, 1, tzinfo=UTC)
    return since, until


def _begun(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def _line(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, sort_keys=True) + "\n"


def _counted(rows: tuple[Row, ...]) -> Iterator[dict[str, Any]]:
    for event in sorted({row.event for row in rows}):
        yield {"event": event, "rows": sum(row.event == event for row in rows)}
