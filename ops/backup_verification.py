"""The nightly look at the backups: what it is about, and what it has found so far.

Source: supabase-operations.md, "Daily" (verify backup status) and "Weekly" (the PITR window is intact).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from ops import app_settings, backup_memory, backup_source, database, errors, project, secrets
from ops.backup_memory import Memory
from ops.backup_settings import Backups
from ops.backups import Backup, Holdings, Problem, Source
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.server_archiving import Archiver, Server

Verdict = Literal["passed", "attention", "failed"]


class VerificationPlan(Evidence):
    """Whose backups are looked at, by which objectives."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    backups: Backups
    out: Path


class VerifiedBackups(Evidence):
    """Whether the backups are what they should be: `attention` where nothing fails and something is not right."""

    verdict: Verdict
    at: datetime
    newest: Backup | None = None
    earliest: datetime | None = None
    latest: datetime | None = None
    problems: tuple[Problem, ...] = ()
    told: tuple[str, ...] = ()
    bundle: str | None = None


class Verifying:
    """A run that looks at the backups of one environment."""

    def __init__(self, plan: VerificationPlan, run: str) -> None:
        self.plan = plan
        self.run = run
        self.now = datetime.now(UTC)
        self.bundle: Bundle | None = None
        self.concluded: VerifiedBackups | None = None
        self.holdings = Holdings(backups=())
        self.server: Server | None = None
        self.archiver: Archiver | None = None
        self.problems: list[Problem] = []
        self.damage: dict[str, tuple[Problem, ...]] = {}
        self.memory: Memory = backup_memory.read(plan.out, plan.environment.name, now=self.now)
        self._source: Source | None = None
        self._connection: database.Connection | None = None

    @property
    def source(self) -> Source:
        """Where the backups are."""
        if self._source is None:
            self._source = backup_source.source(self.plan.project, self.plan.environment)
        return self._source

    @property
    def newest(self) -> Backup | None:
        """The backup from which one would restore tonight."""
        return self.holdings.backups[-1] if self.holdings.backups else None

    @property
    def has_wal(self) -> bool:
        """Whether these backups live by WAL that the server itself archives."""
        return self.source.kind in ("physical", "pgbackrest")

    @property
    def connection(self) -> database.Connection:
        """The one login of this run, made anew when it was lost."""
        if self._connection is None or self._connection.closed:
            dsn = app_settings.open_reference(self.plan.environment.database or "", self.plan.project.root)
            secrets.remember(dsn)
            self._connection = database.connect(dsn, application=self.run)
        return self._connection

    def close(self) -> None:
        """Close the login, if there is one."""
        if self._connection is not None:
            self._connection.close()

    def found(self, problems: Iterable[Problem], well: str) -> Evidence:
        """Keep what is not known yet, and return the evidence of a step that found it."""
        known = {(each.kind, each.object) for each in self.problems}
        given = tuple(problems)
        self.problems += [each for each in given if (each.kind, each.object) not in known]
        return Evidence(
            ok=not any(each.blocks for each in given),
            summary=" ".join(each.said for each in given) or well,
            rows=tuple({"problem": each.kind, "said": each.said, "todo": each.todo} for each in given),
        )


def plan(path: str, environment: str) -> VerificationPlan:
    """Read the project and say whose backups are looked at; reads files only.

    Raises:
        Refused: the environment names no source of backups.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    if where.backups is None:
        raise errors.Refused(
            f"{where.name} has no source of backups, so that nobody knows whether there are any. Name one in "
            f"[environments.{where.name}.backups] of runbooks.toml."
        )
    wanted = where.backups
    return VerificationPlan(
        ok=True,
        summary=f"The backups of {operated.name} on {where.name} are looked at: the last at most {wanted.most_age} "
        f"old, a window of {wanted.window}, a drill at most {wanted.most_drill_age} ago.",
        project=operated,
        environment=where,
        backups=wanted,
        out=operated.root,
    )


@contextmanager
def opened(plan: VerificationPlan, run: str) -> Generator[Verifying]:
    """Open a look; the source and the server are first asked when it is their turn."""
    with closing(Verifying(plan, run)) as verifying:
        yield verifying
