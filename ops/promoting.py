"""A promotion while it runs: the database that it acts on, the plan that it carries out, what it has found."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from ops import database, frozen, promotion_document, schema, secrets
from ops.bundle import Bundle
from ops.connectivity import Connectivity
from ops.deploy_verdict import Checklist
from ops.evidence import Evidence
from ops.frozen import Frozen
from ops.gatekeeper import Approval
from ops.inventory import Inventory
from ops.migrations import Migration
from ops.promotion_plan import PromotionPlan
from ops.promotion_result import Check, FileResult, Promotion
from ops.promotions import Begun
from ops.proposal import Proposal
from ops.rehearsals import Rehearsed
from ops.schema import Key
from ops.target import Target
from ops.verdict import Difference


class Promoting:
    """One run's state; its steps write down here what they find, and the result is read from it."""

    def __init__(self, plan: PromotionPlan, *, run: str) -> None:
        where = plan.environment
        dsn = secrets.open_secret(where.database or "")
        self.plan = plan
        self.run = run
        self.started = datetime.now(UTC)
        self.target = Target(
            dsn=dsn,
            observer_dsn=dsn,
            run=run,
            throw_away=False,
            # The rehearsal has measured them.
            measured=False,
            lock_timeout=where.lock_timeout,
            statement_timeout=where.statement_timeout,
        )
        self.connectivity: Connectivity | None = None
        self.place: Mapping[str, str] = {}
        self.inventory: Inventory | None = None
        self.begun: Begun | None = None
        self.given_up: Begun | None = None
        self.pending: tuple[Migration, ...] = ()
        self.adopted: tuple[str, ...] = ()
        self.before: dict[Key, str] = {}
        self.rehearsed: Rehearsed | None = None
        self.frozen: Frozen | None = None
        self.approval: Approval | None = None
        self.results: dict[str, FileResult] = {}
        self.failed: str | None = None
        self.undone = False
        self.checks: list[Check] = []
        self.differences: tuple[Difference, ...] = ()
        self.drift: tuple[Difference, ...] = ()
        self.gates: Evidence | None = None
        self.checklist: Checklist | None = None
        self.findings: list[str] = []
        self.bundle: Bundle | None = None
        self.concluded: Promotion | None = None
        self.ends = ExitStack()
        self._connection: database.Connection | None = None

    @property
    def run_id(self) -> str:
        """The id of the run, which no other run has, whatever they are called."""
        return self.bundle.run if self.bundle else self.run

    @property
    def connection(self) -> database.Connection:
        """The login that looks and that keeps the record, made anew when it was lost."""
        if self._connection is None or self._connection.closed:
            self._connection = database.connect(self.target.dsn, application=f"{self.run} (observer)")
        return self._connection

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do: no plan is under way, and nothing is pending."""
        return self.begun is None and not self.pending

    @property
    def stopped(self) -> bool:
        """Whether a file failed in this run, so that what comes after it is not done."""
        return self.failed is not None

    @property
    def waived(self) -> bool:
        """Whether what would keep a promotion from being begun is only said: it is begun, and must come to its end."""
        return self.begun is not None

    def look(self) -> dict[Key, str]:
        """Return the schema as it is now, as far as two processes can compare it."""
        return frozen.comparable(schema.snapshot(self.connection))

    def note(self, name: str, found: Evidence, *, ok: bool | None = None) -> Evidence:
        """Write down what a check found, and return it."""
        said = None if found.idle else found.ok if ok is None else ok
        self.checks = [each for each in self.checks if each.name != name]
        self.checks.append(Check(name=name, ok=said, summary=secrets.redact(found.summary)))
        return found

    def proposal(self, gate: str) -> Proposal:
        """Return what a gate is asked about: this plan, whole."""
        plan = self.frozen
        if plan is None:
            raise ValueError("a plan is frozen before anybody is asked about it")
        return Proposal(
            gate=gate,
            environment=self.plan.environment,
            root=self.plan.project.root,
            plan_digest=plan.digest,
            summary=promotion_document.summary(self),
            document=promotion_document.markdown(self),
            change_digest=plan.change.digest,
            commit=plan.commit,
            place=self.place,
        )

    def close(self) -> None:
        """Let go of the lock and the logins."""
        self.ends.close()
        self.target.close()
        if self._connection is not None:
            self._connection.close()


@contextmanager
def opened(plan: PromotionPlan, run: str) -> Generator[Promoting]:
    """Open the promotion of a plan; its database is first connected to when it is checked.

    Raises:
        Refused: the secret of the database cannot be opened.
    """
    promoting = Promoting(plan, run=run)
    try:
        yield promoting
    finally:
        promoting.close()
