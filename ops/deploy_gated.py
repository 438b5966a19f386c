"""A deploy gate while it runs: the app's database, and what its parts have found so far."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from ops import app_settings, database, growth, secrets
from ops.bundle import Bundle
from ops.deploy_choices import Part, Phase
from ops.deploy_plan import GatePlan
from ops.deploy_verdict import Check, Checklist, Commit, Found
from ops.deploys import Deploy
from ops.evidence import Evidence
from ops.growth import Growth

Step = Callable[["Gated"], Found]


class Gated:
    """One phase's state; its parts write down here what they find, and the verdict is read from it."""

    def __init__(self, plan: GatePlan, run: str) -> None:
        self.plan = plan
        self.run = run
        self.started = datetime.now(UTC)
        self.checks: dict[Part, Check] = {}
        self.findings: list[str] = []
        self.commit: Commit | None = None
        self.checklist: Checklist | None = None
        self.record: Deploy | None = None
        self.baseline: Mapping[str, Any] = {}
        self.grown: Growth | None = None
        self.integrity: Mapping[str, Any] | None = None
        self.bundle: Bundle | None = None
        self.concluded: Evidence | None = None
        self._connection: database.Connection | None = None

    @functools.cached_property
    def dsn(self) -> str:
        """The app's connection string.

        Raises:
            Refused: its secret cannot be opened.
        """
        dsn = app_settings.open_reference(self.plan.reference, self.plan.project.root)
        secrets.remember(dsn)
        return dsn

    @functools.cached_property
    def absent(self) -> tuple[str, ...]:
        """The tables that are to be watched and are not there yet: what is misspelt is refused after the deploy."""
        if self.plan.phase is Phase.POST:
            return ()
        return growth.absent(self.connection, self.plan.project.integrity)

    @property
    def connection(self) -> database.Connection:
        """The one login of this run, made anew when it was lost."""
        if self._connection is None or self._connection.closed:
            # Behind a transaction pooler a prepared statement may meet a backend that does not know it.
            self._connection = database.connect(self.dsn, application=self.run, prepare_threshold=None)
        return self._connection

    def close(self) -> None:
        """Close the login, if there is one."""
        if self._connection is not None:
            self._connection.close()

    def skips(self, part: Part, phases: tuple[Phase, ...]) -> str | None:
        """Return why a part does not run, if it does not."""
        if self.plan.only:
            return None if part in self.plan.only else f"{part} was not asked for."
        return None if self.plan.phase in phases else f"{part} belongs to the other phase."

    def note(self, part: Part, found: Found) -> None:
        """Write down what a part found."""
        self.checks[part] = Check(
            part=part, status=found.status, summary=found.summary, next_steps=found.next_steps
        )


@contextmanager
def opened(plan: GatePlan, run: str) -> Generator[Gated]:
    """Open the gate of a plan; the database is first connected to when it is looked at."""
    app_settings.remember(plan.project.deploy, plan.project.root)
    gate = Gated(plan, run)
    try:
        yield gate
    finally:
        gate.close()


def part(which: Part, *phases: Phase) -> Callable[[Step], Step]:
    """Make an operation one that does nothing where its part is not asked for, and is written down where it is.

    Without `phases` it belongs to both.
    """

    def decorate(operation: Step) -> Step:
        @functools.wraps(operation)
        def run(gate: Gated) -> Found:
            if reason := gate.skips(which, phases or tuple(Phase)):
                return Found(ok=True, idle=True, checked=False, summary=reason)
            found = operation(gate)
            gate.note(which, found)
            return found

        return run

    return decorate
