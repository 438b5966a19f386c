"""A rehearsal while it runs: the database it acts on, and what it has found so far.

Source: staging-rehearsal.md.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ops import errors, inventory, migrations, overlays, project, rows, secrets, throwaway
from ops.ahead import Ahead
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.plan import Plan
from ops.reversal import Proof, Step
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
        self.unfinished: frozenset[str] = frozenset()
        self.lint: dict[str, tuple[Lint, ...]] = {}
        self.results: dict[str, MigrationResult] = {}
        self.applied: dict[str, Step] = {}
        self.proofs: dict[str, Proof] = {}
        self.bundle: Bundle | None = None
        self.concluded: Rehearsal | None = None
        self.stopped: str | None = None
        self.chain = Chain(status="skipped", reason="not asked for")
        self.contract = Contract()
        self.rls = Rls()
        self.asked: dict[str, int] = {}
        self.findings: list[str] = []
        self.wrong: list[str] = []
        self.ends = ExitStack()
        self.ahead = Ahead()
        self.unseen = False
        self.begun = False
        self.tables_at_start: frozenset[str] = frozenset()
        self.rows_at_start: dict[str, rows.Image] = {}

    def begin(self) -> None:
        """Remember the state that the target has just observed as that of the start."""
        tables = (identity for kind, identity in self.target.mirror.snapshot if kind == "table")
        self.begun, self.tables_at_start = True, frozenset(tables)
        self.rows_at_start = dict(self.target.ledger.images)

    def look(self) -> None:
        """See what migrations have changed of which others had seen the effect."""
        if self.unseen:
            self.target.look()
            self.unseen = False

    @property
    def project(self) -> project.Project:
        return self.plan.project

    @property
    def bindir(self) -> Path | None:
        """The folder of the server's own client programs, where the server is ours."""
        return self.away.databases.bindir if self.away else None

    def reload(self, migration: Migration) -> Migration:
        """Read the files again and return this migration as it is now, for a replay after a fix.

        Raises:
            Refused: the file is gone.
        """
        whose = self.plan.overlay_environment
        overlaid = overlays.find(self.project, whose) if whose and migration.overlay else ()
        for found in overlaid or migrations.find(self.project):
            if found.key == migration.key:
                self.pending = tuple(found if old.key == found.key else old for old in self.pending)
                return found
        raise errors.Refused(f"{migration.file} is gone, so it cannot be replayed. Put it back, or skip it.")


@contextmanager
def opened(plan: Plan, run: str) -> Generator[Rehearsing]:
    """Open the rehearsal where its plan says; a database in place is first connected to when it is checked.

    Raises:
        Refused: the secret of the database cannot be opened.
        Unavailable: a database of our own did not start.
    """
    opener = _in_place if plan.environment.in_place else _thrown_away
    with opener(plan, run) as rehearsing:
        yield rehearsing


@contextmanager
def _thrown_away(plan: Plan, run: str) -> Generator[Rehearsing]:
    with closing(Ahead()) as ahead:
        ahead.prepare(plan, run=run)
        with throwaway.opened(plan.project, plan.environment, run=run) as away:
            rehearsing = Rehearsing(plan, away.target, run=run, away=away)
            rehearsing.ahead = ahead
            rehearsing.findings += away.warnings
            rehearsing.begin()
            yield rehearsing


@contextmanager
def _in_place(plan: Plan, run: str) -> Generator[Rehearsing]:
    where = plan.environment
    dsn = secrets.open_secret(where.database or "")
    target = Target(
        dsn=dsn,
        observer_dsn=dsn,
        run=run,
        throw_away=False,
        lock_timeout=where.lock_timeout,
        statement_timeout=where.statement_timeout,
    )
    rehearsing = Rehearsing(plan, target, run=run, away=None)
    try:
        with rehearsing.ends:
            yield rehearsing
    finally:
        target.close()
