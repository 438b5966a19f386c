"""A database that is made for one rehearsal, and put back to a known state when a rollback spoils it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ops import apply, comparison, embedded, errors, journal, reversal, schema, shape
from ops.migrations import Migration
from ops.project import Environment, Project
from ops.target import Target
from ops.verdict import Difference

REHEARSAL = "rehearsal"
CHECKPOINT = "checkpoint"


@dataclass
class Throwaway:
    """A throw-away database on a server of our own; `since` holds what was applied after the checkpoint."""

    server: embedded.Server
    target: Target
    warnings: tuple[str, ...]
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
        embedded.drop_database(self.server, REHEARSAL)
        embedded.drop_roles(self.server, keep=self.roles)
        embedded.clone_database(self.server, CHECKPOINT, REHEARSAL)
        for migration in self.since:
            outcome = apply.run(self.target, migration.script, reversal.forward_entry(migration))
            if outcome.failure:
                raise errors.CheckFailed(f"{migration.file} applied once and not again: {outcome.failure}")
        self.checkpoint()

    def checkpoint(self) -> None:
        """Keep a copy of the database as it is now."""
        self.target.close()
        embedded.clone_database(self.server, REHEARSAL, CHECKPOINT)
        self.roles = embedded.roles(self.server)
        self.since.clear()
        self.target.observe()


@contextmanager
def opened(project: Project, environment: Environment, *, run: str) -> Generator[Throwaway]:
    """Start a server of our own with a Supabase-shaped database; both are gone when the block ends."""
    with embedded.running(bindir=environment.bindir) as server:
        dsn = embedded.create_database(server, REHEARSAL)
        admin = server.dsn(REHEARSAL, user=server.superuser)
        warnings = shape.configure(admin, project)
        target = Target(
            dsn=dsn,
            observer_dsn=admin,
            wal_dsn=server.dsn(user=server.superuser),
            run=run,
            throw_away=True,
            lock_timeout=environment.lock_timeout,
            statement_timeout=environment.statement_timeout,
            elevate=shape.elevated,
        )
        with target.login() as connection:
            journal.prepare(connection)
        throwaway = Throwaway(server, target, warnings)
        throwaway.checkpoint()
        try:
            yield throwaway
        finally:
            target.close()
