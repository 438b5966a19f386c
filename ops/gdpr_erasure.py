"""A person erased on request: which rows are theirs, what is to become of them, and who is asked.

Source: supabase-operations.md, "Compliance & Access Control" (honour GDPR deletion requests, log the completion).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
from pydantic import BaseModel, ConfigDict, Field

from ops import database, erasure_record, erasure_search, errors, project, proposal, secrets
from ops.bundle import Bundle
from ops.choices import in_order
from ops.erasure_changes import Change
from ops.erasure_reach import Reached
from ops.erasure_record import Erased
from ops.erasure_search import Needles
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.proposal import Proposal

GATE: Final = "gdpr-erasure"
_KINDS = ("env:", "file:")
_SESSION = (
    "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres'; "
    "set local row_security = off; set local lock_timeout = {lock}; set local statement_timeout = {statement}"
)


class ErasureChoices(BaseModel):
    """Where the evidence goes, and under which request; nothing about the person."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    request: str = Field(
        default="", description="Number of the request, for the record; never a name or an address"
    )
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")


class ErasurePlan(Evidence):
    """Whose rows are to be erased where, as far as files say; the subject is named by a keyed hash."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    subject: str
    reference: str
    request: str = ""
    out: Path


class Erasing:
    """An erasure while it runs; what identifies the person is in the memory of this process alone."""

    def __init__(self, plan: ErasurePlan, dsn: str, value: str) -> None:
        self.plan = plan
        self.dsn = dsn
        self.value = value
        self.started = datetime.now(UTC)
        self.bundle: Bundle | None = None
        self.concluded: Evidence | None = None
        self.target: tuple[str, str] = ("", "")
        self.reached = Reached()
        self.changes: tuple[Change, ...] = ()
        self.needles = Needles((), None)
        self.objects: dict[str, int] = {}
        self.findings: list[str] = []
        self.erased: Erased | None = None
        self.proven: tuple[str, ...] = ()
        self.logged = False
        self._run = ""

    def __repr__(self) -> str:
        return f"Erasing({self.plan.subject})"

    @property
    def run(self) -> str:
        """The id of the run, which stays the same when it goes on after a kill."""
        return self._run or (self.bundle.run if self.bundle else "")

    def as_run(self, run: str) -> None:
        """Be a run of this name, where no bundle says which."""
        self._run = run

    @property
    def done(self) -> bool:
        """Whether this run has erased the subject."""
        return self.erased is not None and self.erased.run == self.run

    @property
    def due(self) -> bool:
        """Whether there is anything that somebody must decide."""
        return bool(self.changes) and not self.done

    @property
    def digest(self) -> str:
        """Return the digest of the plan; that of the plan that was carried out, once it was."""
        if self.done and self.erased:
            return self.erased.plan_digest
        content = {
            "runbook": GATE,
            "subject": self.plan.subject,
            "target": list(self.target),
            "changes": [change.counted for change in self.changes],
            "mentions": list(self.plan.project.erasure.known_mentions),
        }
        return proposal.digest(content)

    @property
    def summary(self) -> str:
        """Say what is to be done, in one sentence."""
        rows = sum(len(change.rows) for change in self.changes)
        tables = len({change.table for change in self.changes})
        request = f" Request {self.plan.request}." if self.plan.request else ""
        where = self.plan.environment.name
        return f"Erase the subject {self.plan.subject} on {where}: {rows} rows in {tables} tables.{request}"

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about: tables, numbers and what happens, and nothing of the person."""
        rows = "\n".join(f"| {each.table} | {len(each.rows)} | {each.what} |" for each in self.changes)
        document = (
            f"# {self.summary}\n\nIn the database {self.target[1]} (system {self.target[0]}), in one transaction, "
            "which ends well only if nothing of the subject is found afterwards. It cannot be put back.\n\n"
            f"| table | rows | what happens |\n|---|---|---|\n{rows}\n"
        )
        document += "".join(f"\n- {said}" for said in self.findings)
        plan = self.plan
        return Proposal(gate, plan.environment, plan.project.root, self.digest, self.summary, document)

    @contextmanager
    def transaction(self, *, reads: bool) -> Generator[database.Connection]:
        """Open a transaction; what the database complains about is said without any value.

        Raises:
            Refused: the login may not.
            Unavailable: a lock is in the way, or the connection is lost.
            CheckFailed: the database says no for another reason.
        """
        where = self.plan.environment
        lock, statement = (
            int(each.total_seconds() * 1000) for each in (where.lock_timeout, where.statement_timeout)
        )
        with (
            database.connect(self.dsn, application=f"{GATE} {self.run}"[:63]) as connection,
            silent(),
            connection.transaction(),
        ):
            level = "repeatable read, read only" if reads else "read committed"
            connection.execute(f"set transaction isolation level {level}".encode())
            connection.execute(_SESSION.format(lock=lock, statement=statement).encode())
            yield connection


@contextmanager
def silent() -> Generator[None]:
    """Translate a driver's error by its code and the names in it: its words may hold what somebody wrote.

    Raises:
        OpsError: as the code says.
    """
    try:
        yield
    except psycopg.Error as error:
        state, said = error.sqlstate, error.diag
        names = [
            f"{what} {name}"
            for what, name in (
                ("table", said.table_name),
                ("column", said.column_name),
                ("constraint", said.constraint_name),
            )
            if name
        ]
        text = f"The database says {state or 'nothing more'} ({', '.join(names) or type(error).__name__}), so nothing "
        text += "was changed. Its own words may hold personal data and stand in its log alone."
        if database.is_transient(state):
            raise errors.Unavailable(text) from None
        kind = errors.Refused if state in ("42501", "22P02", "22007", "22003") else errors.CheckFailed
        raise kind(text) from None


def plan(path: str, environment: str, subject: str, choices: ErasureChoices) -> ErasurePlan:
    """Say whose rows are to be erased where; reads files only, and opens the subject's secret.

    Raises:
        Refused: the project or the environment has a mistake, or the subject is not named by a secret.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    wanted = operated.erasure
    if wanted.table is None:
        raise errors.Refused(
            f"{operated.name} does not say where a person's rows are, so nobody can be erased. Say table, lookup and "
            "tables in [erasure] of runbooks.toml."
        )
    value = opened_subject(subject)
    named = erasure_record.subject_hash(wanted, where, value)
    told = f"{subject} {choices.request} {choices.out}".casefold()
    if len(value) >= erasure_search.SHORTEST and value.casefold() in told:
        raise errors.Refused(
            "The name of the subject's secret, or of the request, says who the subject is, and is kept in clear. "
            "Name it by a number."
        )
    return ErasurePlan(
        ok=True,
        summary=f"{operated.name}: the subject {named} is to be erased on {where.name}.",
        project=operated,
        environment=where,
        subject=named,
        reference=subject,
        request=choices.request.strip(),
        out=Path(choices.out) if choices.out else operated.root,
    )


def opened_subject(reference: str) -> str:
    """Return the value of the subject's secret; it is kept out of all output.

    Raises:
        Refused: it is written out, or is a command: whoever may start a run may not run what they like on the worker.
    """
    if not reference.startswith(_KINDS):
        raise errors.Refused(
            "The subject is named by a secret reference, env:NAME or file:PATH, and never written out: what a run is "
            "started with is stored in clear. Put the identifier where the worker can read it."
        )
    value = secrets.open_secret(reference)
    if "\n" in value:
        raise errors.Refused("The subject's secret has several lines. Put the identifier alone there.")
    return value


def opened(plan: ErasurePlan) -> Erasing:
    """Return the erasure, with the database of its environment.

    Raises:
        Refused: the environment has no database, or a secret cannot be opened.
    """
    if plan.environment.database is None:
        raise errors.Refused(
            f"The environment {plan.environment.name!r} has no database, so there is nobody to erase. Name it in "
            "runbooks.toml."
        )
    return Erasing(plan, secrets.open_secret(plan.environment.database), opened_subject(plan.reference))
