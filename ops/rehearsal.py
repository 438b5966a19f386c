"""A rehearsal while it runs: the database it acts on, and what it has found so far.

Source: staging-rehearsal.md.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ops import (
    database,
    errors,
    inventory,
    journal,
    marker,
    migrations,
    project,
    rows,
    secrets,
    shape,
    throwaway,
)
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.plan import Plan
from ops.reversal import Step
from ops.target import Target
from ops.throwaway import Throwaway
from ops.verdict import Base, Chain, Contract, Lint, MigrationResult, Rehearsal, Rls


class Rehearsing:
    """One rehearsal's state; its steps write down here what they find, and the verdict is read from it."""

    def __init__(self, plan: Plan, target: Target, *, run: str, away: Throwaway | None) -> None:
        self.plan = plan
        self.target = target
        self.run = run
        self.away = away
        self.started = datetime.now(UTC)
        self.base = Base(place=plan.environment.place)
        self.connectivity: Evidence | None = None
        self.before: inventory.Inventory | None = None
        self.after: inventory.Inventory | None = None
        self.pending: tuple[Migration, ...] = ()
        self.lint: dict[str, tuple[Lint, ...]] = {}
        self.results: dict[str, MigrationResult] = {}
        self.applied: dict[str, Step] = {}
        self.bundle: Bundle | None = None
        self.concluded: Rehearsal | None = None
        self.stopped: str | None = None
        self.chain = Chain(status="skipped", reason="not asked for")
        self.contract = Contract()
        self.rls = Rls()
        self.asked: dict[str, int] = {}
        self.findings: list[str] = []
        self.wrong: list[str] = []
        self.tables_at_start = frozenset(
            identity for kind, identity in target.mirror.snapshot if kind == "table"
        )
        self.rows_at_start: dict[str, rows.Image] = dict(target.ledger.images)

    @property
    def project(self) -> project.Project:
        return self.plan.project

    @property
    def bindir(self) -> Path | None:
        """The folder of the server's own client programs, where the server is ours."""
        return self.away.server.bindir if self.away else None

    def reload(self, migration: Migration) -> Migration:
        """Read the files again and return this migration as it is now, for a replay after a fix.

        Raises:
            Refused: the file is gone.
        """
        for found in migrations.find(self.project):
            if found.version == migration.version:
                self.pending = tuple(found if old.version == found.version else old for old in self.pending)
                return found
        raise errors.Refused(f"{migration.file} is gone, so it cannot be replayed. Put it back, or skip it.")


@contextmanager
def opened(plan: Plan, run: str) -> Generator[Rehearsing]:
    """Open the database that the plan names: a throw-away one of our own, or the environment's in place.

    Raises:
        Refused: the database does not say that it may be rehearsed on, or another run holds it.
        Unavailable: nobody answers.
    """
    opener = _in_place if plan.environment.in_place else _thrown_away
    with opener(plan, run) as rehearsing:
        yield rehearsing


@contextmanager
def _thrown_away(plan: Plan, run: str) -> Generator[Rehearsing]:
    with throwaway.opened(plan.project, plan.environment, run=run) as away:
        rehearsing = Rehearsing(plan, away.target, run=run, away=away)
        rehearsing.findings += away.warnings
        yield rehearsing


@contextmanager
def _in_place(plan: Plan, run: str) -> Generator[Rehearsing]:
    where = plan.environment
    dsn = secrets.open_secret(where.database or "")
    with database.connect(dsn, application=run) as connection:
        marking = marker.verify(connection, None if where.name == project.GIVEN else where.name)
        if marking.empty and not marking.shaped:
            shape.load(connection)
    with journal.held(dsn, run) as holder:
        target = Target(
            dsn=dsn,
            observer_dsn=dsn,
            run=run,
            throw_away=False,
            lock_timeout=where.lock_timeout,
            statement_timeout=where.statement_timeout,
            holder=holder,
        )
        rehearsing = Rehearsing(plan, target, run=run, away=None)
        try:
            with target.login() as connection:
                journal.prepare(connection)
            target.observe()
            yield rehearsing
        finally:
            target.close()
