"""Whether the last backup is known to be good. Source: supabase-operations.md, "Daily" (verify backup status).

It reads what backup-verification left and asks `backup_query` or `backup_command`; nothing is verified again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ops import backup_age, backup_memory, check_archiving, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence

_WHY = "Nobody knows whether what is lost tonight could be restored."
_TODO = "Start backup-verification, read what it says, and look whether its schedule is on."


@check("backups")
def check_backups(checking: Checking) -> Evidence:
    """Read the last verification of the backups and its age, the last backup's age, and whether WAL is archived."""
    where = checking.plan.environment
    promotion = where.promotion
    asked = promotion.backup_query or promotion.backup_command
    findings: list[Finding] = []
    if where.backups is not None:
        findings += _verified(checking)
    if asked:
        findings += _aged(checking)
    if where.backups is None and not asked:
        findings += _nothing(checking)
    if checking.unreachable is None:
        findings += check_archiving.findings(checking)
    return checking.found(findings, _well(checking))


def _well(checking: Checking) -> str:
    if checking.plan.environment.backups is None:
        return "The last backup is recent enough."
    at = _memory(checking).at
    return f"The backups were last verified, and good, at {spoken.moment(at) if at else 'no time'}."


def _memory(checking: Checking) -> backup_memory.Memory:
    return backup_memory.read(checking.plan.out, checking.plan.environment.name, now=checking.now)


def _verified(checking: Checking) -> Iterator[Finding]:
    settings, memory = checking.plan.environment.backups, _memory(checking)
    if settings is None:
        return
    if memory.at is None:
        said = "The backups have never been verified."
        yield _finding("backups-unverified", "attention", said, _WHY, _TODO)
        return
    age = checking.now - memory.at
    if age > settings.most_age:
        said = f"The backups were last verified {spoken.span(age)} ago, of at most {spoken.span(settings.most_age)}."
        yield _finding("backups-unverified", "failed", said, _WHY, _TODO, memory.at)
    if memory.verdict in ("failed", "attention"):
        named = ", ".join(f"{kind} ({where})" for kind, where in memory.found) or "problems"
        said = f"The last verification of the backups ended as {memory.verdict}: {named}."
        todo = "Read its evidence, make a base backup if there is none, and start it again."
        severity = "failed" if memory.verdict == "failed" else "attention"
        yield _finding("backups-not-good", severity, said, _WHY, todo, memory.at)


def _aged(checking: Checking) -> Iterator[Finding]:
    connection = None if checking.unreachable else checking.connection
    project = checking.plan.project
    rows = backup_age.ages(
        checking.plan.environment,
        connection,
        root=project.root,
        hidden=project.private_variables,
        now=checking.now,
        timeout=checking.settings.statement_timeout,
    )
    for row in rows:
        if row["problem"]:
            kind, why = "backup-too-old", "A restore would lose all that came since."
            todo = "Look why the last backup was not made, and make one now."
            if not row["at"]:
                kind, why = "backup-age-unknown", _WHY
                where, within = checking.plan.environment.name, checking.settings.statement_timeout
                todo = f"Mend {row['asked']} in [environments.{where}.promotion]: it only reads, and returns one time"
                todo += f" within {spoken.span(within)}." if row["asked"] == "backup_query" else "."
            found = _finding(kind, "failed", str(row["problem"]), why, todo)
            yield found.model_copy(update={"object": str(row["asked"])})


def _nothing(checking: Checking) -> Iterator[Finding]:
    where = checking.plan.environment
    said = f"{where.name} names no source of backups, so nobody knows whether there are any."
    todo = f"Name one in [environments.{where.name}.backups], or backup_query of its promotion."
    yield _finding("no-backups-named", "attention" if where.guarded else "note", said, _WHY, todo)


def _finding(
    kind: str, severity: str, said: str, why: str, todo: str, since: datetime | None = None
) -> Finding:
    return Finding.model_validate(
        {
            "kind": kind,
            "object": "backups",
            "severity": severity,
            "said": said,
            "why": why,
            "todo": todo,
            "since": since,
        }
    )
