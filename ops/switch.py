"""A setting in the database is switched in one transaction, and what was there before is kept and can be put back.

A `Subject` says which setting: providers, a flag, jobs. Everything else is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import ConfigDict, Field

from ops import database, errors, kept_state, project, proposal, secrets, switch_note
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.kept_state import Kept, State, Values
from ops.project import Environment, Project
from ops.proposal import Proposal

_SESSION = (
    "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres'; "
    "set local lock_timeout = {lock}; set local statement_timeout = {statement}"
)


class Mode(StrEnum):
    """In which direction a setting is switched."""

    SWITCH = "switch"
    PUT_BACK = "put-back"


@runtime_checkable
class Subject(Protocol):
    """What is switched; `name` is under which what was there before is kept."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...

    def open(self, connection: database.Connection) -> None:
        """Look at what the later calls need to know; raises Refused where it is not there."""
        ...

    def lock(self, connection: database.Connection) -> None:
        """Keep everybody else from changing it until the transaction ends."""
        ...

    def read(self, connection: database.Connection) -> State:
        """Return everything that must not change unseen, by names that a person knows."""
        ...

    def wanted(self, state: State) -> State:
        """Return what is to be otherwise, fields of items; raises Refused where it may not be switched."""
        ...

    def write(self, connection: database.Connection, state: State, wanted: State, mode: Mode) -> None:
        """Write fields of items."""
        ...

    def times(self, name: str) -> frozenset[str]:
        """Return the fields of an item that the database may set to the time of a change."""
        ...

    def problems(self, state: State) -> tuple[str, ...]:
        """Say what is wrong with a state that should be the switched one."""
        ...


class SwitchPlan(Evidence):
    """What is to be switched where, as the files say; the state of the database is looked at later."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    subject: Subject = Field(exclude=True)
    mode: Mode
    reason: str = ""
    even_if_changed: bool = False
    rehearse: bool = False
    bindir: str = ""
    out: Path

    @property
    def gate(self) -> str:
        """The name of the gate: there and back are two."""
        back = self.mode is Mode.PUT_BACK
        return f"{self.subject.kind}-put-back" if back else self.subject.kind


class Switching:
    """A switch while it runs."""

    def __init__(self, plan: SwitchPlan, dsn: str) -> None:
        self.plan = plan
        self.subject = plan.subject
        self.dsn = dsn
        self.started = datetime.now(UTC)
        self.bundle: Bundle | None = None
        self.concluded: Evidence | None = None
        self.kept: Kept | None = None
        self.done = False
        self.target: tuple[str, str] = ("", "")
        self.state: State = {}
        self.wanted: State = {}
        self.verified: tuple[dict[str, str | None], ...] = ()
        self.migrations_digest: str | None = None
        self.overlays_digest: str | None = None
        self.findings: list[str] = []
        self._run = ""

    @property
    def run(self) -> str:
        """The id of the run, which stays the same when it goes on after a kill."""
        return self._run or (self.bundle.run if self.bundle else "")

    def as_run(self, run: str) -> None:
        """Be a run of this name, where no bundle says which."""
        self._run = run

    @property
    def changes(self) -> dict[str, Values]:
        """What is to be written: items with at least one field."""
        return {name: values for name, values in self.wanted.items() if values}

    @property
    def due(self) -> bool:
        """Whether there is anything that somebody must decide, or has decided in this run."""
        return self.done or bool(self.changes)

    @property
    def digest(self) -> str:
        """Return the digest of the plan; that of the plan that was carried out, once it was."""
        if self.done and self.kept:
            switched = self.plan.mode is Mode.SWITCH
            return self.kept.plan_digest if switched else self.kept.put_back_digest or ""
        content = {
            "runbook": self.subject.kind,
            "subject": self.subject.name,
            "mode": self.plan.mode.value,
            "kept": self.kept.id if self.kept else None,
            "target": list(self.target),
            "before": {name: self.state.get(name) for name in self.wanted},
            "wanted": {**self.wanted},
        }
        return proposal.digest(content)

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about."""
        plan = self.plan
        document = switch_note.document(
            self.summary,
            subject=f"{self.subject.name} in the database {self.target[1]} (system {self.target[0]})",
            changes=[(name, self.state.get(name, {}), values) for name, values in self.changes.items()],
            findings=self.findings,
        )
        return Proposal(gate, plan.environment, plan.project.root, self.digest, self.summary, document)

    @property
    def summary(self) -> str:
        """Say what is to be done, in one sentence."""
        what = {Mode.SWITCH: "to change", Mode.PUT_BACK: "to put back"}[self.plan.mode]
        names = sorted(self.kept.items if self.done and self.kept else self.changes)
        why = f" Reason: {self.plan.reason}" if self.plan.reason else ""
        return f"{self.subject.kind} on {self.plan.environment.name}: {what} {', '.join(names) or 'nothing'}.{why}"

    @contextmanager
    def transaction(self, *, reads: bool) -> Generator[database.Connection]:
        """Open a transaction in which texts mean the same whoever asks."""
        where = self.plan.environment
        lock, statement = (
            int(each.total_seconds() * 1000) for each in (where.lock_timeout, where.statement_timeout)
        )
        with database.connect(self.dsn, application=f"{self.subject.kind} {self.run}"[:63]) as connection:
            if not reads:
                kept_state.prepare(connection)
            with database.translating(), connection.transaction():
                connection.execute("set transaction isolation level repeatable read")
                connection.execute(_SESSION.format(lock=lock, statement=statement).encode())
                if reads:
                    connection.execute("set transaction read only")
                yield connection


def plan(
    path: str,
    environment: str,
    subject: Callable[[Project], Subject],
    *,
    mode: Mode,
    reason: str = "",
    even_if_changed: bool = False,
    out: str = "",
) -> SwitchPlan:
    """Say what is to be switched; reads files only.

    Raises:
        Refused: the project or the environment has a mistake.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    chosen = subject(operated)
    return SwitchPlan(
        ok=True,
        summary=f"{operated.name}: {chosen.kind}, {mode.value} on {where.name}.",
        project=operated,
        environment=where,
        subject=chosen,
        mode=mode,
        reason=reason.strip(),
        even_if_changed=even_if_changed,
        out=Path(out) if out else operated.root,
    )


def opened(plan: SwitchPlan) -> Switching:
    """Return the switch, with the database of its environment.

    Raises:
        Refused: the environment has no database, or its secret cannot be opened.
    """
    if plan.environment.database is None:
        raise errors.Refused(
            f"The environment {plan.environment.name!r} has no database, so there is nothing to change. "
            "Name it in runbooks.toml."
        )
    return Switching(plan, secrets.open_secret(plan.environment.database))
