"""A database that is made for one rehearsal, and put back to a known state when a rollback spoils it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ops import apply, borrowed, comparison, embedded, errors, journal, reversal, schema, shape
from ops.migrations import Migration
from ops.project import Environment, Project
from ops.target import Target
from ops.verdict import Difference


class Databases(Protocol):
    """Where the database and its copy are made and thrown away."""

    @property
    def rehearsal(self) -> str: ...
    @property
    def checkpoint(self) -> str: ...
    @property
    def bindir(self) -> Path | None: ...
    def copy(self, source: str, name: str) -> object: ...
    def drop(self, name: str) -> None: ...
    def roles(self) -> frozenset[str]: ...
    def drop_roles(self, *, keep: frozenset[str]) -> None: ...


@dataclass
class Throwaway:
    """A throw-away database; `shaped` says that it stands on our own shape of Supabase, `since` holds what was
    applied after the checkpoint."""

    databases: Databases
    target: Target
    shaped: bool
    warnings: tuple[str, ...] = ()
    since: list[Migration] = field(default_factory=list[Migration])
    roles: frozenset[str] = frozenset()

    def applied(self, migration: Migration) -> None:
        """Remember that a migration is applied, so that a rebuild replays it."""
        self.since.append(migration)

    def put_back(self, expected: schema.Snapshot) -> tuple[Difference, ...]:
        """Make the database again and return what is not as expected.

        Raises:
            CheckFailed: a migration that was applied before does not apply again.
        """
        self.rebuild()
        return comparison.compare(expected, self.target.mirror.snapshot)

    def rebuild(self) -> None:
        """Make the database again from the checkpoint and what was applied since.

        Raises:
            CheckFailed: a migration that was applied before does not apply again.
        """
        self.target.close()
        self.databases.drop(self.databases.rehearsal)
        self.databases.drop_roles(keep=self.roles)
        self.databases.copy(self.databases.checkpoint, self.databases.rehearsal)
        for migration in self.since:
            outcome = apply.run(self.target, migration.script, reversal.forward_entry(migration))
            if outcome.failure:
                raise errors.CheckFailed(f"{migration.file} applied once and not again: {outcome.failure}")
        self.checkpoint()

    def checkpoint(self) -> None:
        """Keep a copy of the database as it is now."""
        self.target.close()
        self.databases.copy(self.databases.rehearsal, self.databases.checkpoint)
        self.roles = self.databases.roles()
        self.since.clear()
        self.target.observe()


@contextmanager
def opened(project: Project, environment: Environment, *, run: str) -> Generator[Throwaway]:
    """Make a throw-away database: a copy of the environment's template, or a shaped one on a server of our own.

    It is gone when the block ends.

    Raises:
        Refused: the template does not exist, is in use, or may not be copied.
        Unavailable: the server did not start, or nobody answers.
    """
    opener = _copied if environment.template else _shaped
    with opener(project, environment, run) as away:
        with away.target.login() as connection:
            journal.prepare(connection)
        away.checkpoint()
        try:
            yield away
        finally:
            away.target.close()


@contextmanager
def _shaped(project: Project, environment: Environment, run: str) -> Generator[Throwaway]:
    with embedded.running(bindir=environment.bindir) as server:
        databases = embedded.Databases(server)
        dsn = server.dsn(databases.rehearsal)
        admin = server.dsn(databases.rehearsal, user=server.superuser)
        warnings = shape.configure(admin, project)
        target = _target(environment, dsn, run)
        target.observer_dsn = admin
        target.wal_dsn = server.dsn(embedded.MAINTENANCE, user=server.superuser)
        target.elevate, target.adapt, target.watched = shape.elevated, shape.adapted, shape.concerned
        yield Throwaway(databases, target, shaped=True, warnings=warnings)


@contextmanager
def _copied(_project: Project, environment: Environment, run: str) -> Generator[Throwaway]:
    with borrowed.copied(environment, run=run) as databases:
        target = _target(environment, databases.dsn(databases.rehearsal), run)
        yield Throwaway(databases, target, shaped=False)


def _target(environment: Environment, dsn: str, run: str) -> Target:
    return Target(
        dsn=dsn,
        observer_dsn=dsn,
        run=run,
        throw_away=True,
        lock_timeout=environment.lock_timeout,
        statement_timeout=environment.statement_timeout,
    )
