"""The gate of one run and plan: what was asked and answered is kept in the audit log, and judged from there.

Whatever is killed, the next pass reads the log and goes on: an answer is judged once, and a code is used up by the very
row that says what it was for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from ops import approval, audit_store, database, errors, guarded, people, plan, queries, secrets, used_codes
from ops.approval import MOST_MISTAKES, SKEW, Given, Policy, Standing
from ops.audit import Event, Log, Row
from ops.evidence import Evidence
from ops.gate_record import InMemory, Kept, Record
from ops.project import Environment
from ops.proposal import Proposal

Closing = Callable[[database.Connection], None]


class Approval(Evidence):
    """Who let a plan through a gate; `proof` is `totp` where a one-time code proves each name."""

    gate: str
    plan_digest: str
    run: str
    requester: str
    by: tuple[str, ...]
    proof: str
    broken_glass: bool


@dataclass
class Gatekeeper:
    """Asks for and judges what lets one run's plan through one gate."""

    proposal: Proposal
    run: str
    policy: Policy
    record: Record

    def standing(self) -> Standing:
        """Say what has been decided so far."""
        return approval.standing(self.record.rows(), self.policy)

    def consider(self, answers: Iterable[Given], *, clock: datetime | None = None) -> Standing:
        """Judge the answers that were not judged yet, in their order; `clock` is the time where they are stored.

        Raises:
            Refused: that clock and the database's do not agree, so that no code can be judged.
        """
        judged = {row.details.get("answer") for row in self.record.rows()}
        for given in answers:
            if given.key not in judged and self.standing().status == "open":
                self._verify_clock(clock)
                self._judge(given)
        return self.standing()

    def ask(self, key: str) -> datetime:
        """Write down that a question is asked, and return until when it can be answered."""
        rows = self.record.rows()
        asked = {row.details["ask"]: row.details for row in rows if row.event == "asked"}
        if key in asked and asked[key].get("policy") != self.policy.digest:
            key = f"{key}-{self.policy.digest[:8]}"
        if key in asked:
            return datetime.fromisoformat(asked[key]["expires"])
        expires = self.record.now() + self.proposal.environment.approval_window
        details = {
            "ask": key,
            "expires": expires.isoformat(),
            "summary": self.proposal.summary,
            "change_digest": self.proposal.change_digest,
            "commit": self.proposal.commit or plan.commit(self.proposal.root) or "",
            "policy": self.policy.digest,
            "rules": self.policy.rules,
            **({"place": dict(self.proposal.place)} if self.proposal.place else {}),
        }
        self._append(Event("asked", "", details=details))
        return expires

    def approved(self) -> Approval:
        """Return the approval, when there is one."""
        found = self.standing()
        deciding = [
            row
            for row in approval.in_force(self.record.rows(), self.policy)
            if row.event in ("requested", "approved", "break-glass")
        ]
        return Approval(
            ok=True,
            summary=f"{self.proposal.title}, plan {self.proposal.plan_digest[:8]}: {found.why}.",
            rows=tuple(_said(row) for row in deciding),
            gate=self.proposal.gate,
            plan_digest=self.proposal.plan_digest,
            run=self.run,
            requester=found.requester,
            by=tuple(row.actor for row in deciding if row.event != "requested"),
            proof="totp" if self.policy.proves else "unverified",
            broken_glass=found.broken,
        )

    def denied(self) -> Evidence:
        """Return who said no and why, or why the gate is closed, with all that was answered."""
        found = self.standing()
        answered = [row for row in self.record.rows() if row.event != "asked"]
        return Evidence(
            ok=False,
            summary=f"{self.proposal.title}, plan {self.proposal.plan_digest[:8]}, was {found.why}.",
            rows=tuple(_said(row) for row in answered),
        )

    def _judge(self, given: Given) -> None:
        rows = self.record.rows()
        now = self.record.now()
        event = approval.judge(given, self.policy, rows, now=now, used=self.record.used())
        if not self._uses(event):
            event = approval.mistaken(given, event.actor, approval.USED.format(event.actor))
        try:
            self._append(event)
        except errors.Refused:
            # Somebody else was quicker: with this answer, or with this code at another gate.
            if given.key in {row.details.get("answer") for row in self.record.rows()}:
                return
            self._append(approval.mistaken(given, event.actor, approval.USED.format(event.actor)))
        found = self.standing()
        if found.status == "open" and found.mistakes >= MOST_MISTAKES:
            self._append(Event("closed", "", note=event.note))

    def _uses(self, event: Event) -> bool:
        """Use up the code of an answer that is right; false where another environment has used it."""
        if "step" not in event.details:
            return True
        proposal, where = self.proposal, self.proposal.environment
        purpose = (where.name, self.run, proposal.gate, proposal.plan_digest, event.details["answer"])
        return used_codes.use(
            self.policy.people[event.actor],
            event.details["step"],
            "/".join(purpose),
            store=where.approvers,
            folder=audit_store.folder(proposal.root),
        )

    def _append(self, event: Event) -> None:
        proposal = self.proposal
        self.record.append(
            replace(
                event,
                environment=proposal.environment.name,
                run=self.run,
                gate=proposal.gate,
                plan_digest=proposal.plan_digest,
            )
        )

    def _verify_clock(self, clock: datetime | None) -> None:
        if clock is None or not self.policy.proves:
            return
        apart = abs(clock - self.record.now())
        if apart > SKEW:
            raise errors.Refused(
                f"The clocks of the Prefect server and of the database are {apart.total_seconds():.0f} s apart, so no "
                "one-time code can be judged. Nothing is lost: set the clocks and retry the run."
            )


@contextmanager
def opened(proposal: Proposal, run: str, *, suspends: bool) -> Generator[Gatekeeper]:
    """Open the gate's record; `suspends` says that the run can wait without a process.

    Raises:
        Refused: the environment is guarded and lacks what proves a decision there, or the run cannot wait; or another
            environment guards this database; or a broken glass waits for its review, and none can be broken now.
        Unavailable: the database does not answer.
    """
    where = proposal.environment
    guarded.verify(proposal.root, where, reference=proposal.reference)
    people.verify_place(where.approvers, proposal.root, what="approvers' store")
    people.verify_place(where.audit_key, proposal.root, what="audit log's key")
    known = people.read(where.approvers)
    policy = Policy(known, where.approvals, where.four_eyes, where.break_glass, where.guarded)
    _verify(where, policy, suspends=suspends)
    if where.database is None:
        yield Gatekeeper(proposal, run, policy, InMemory(policy.digest))
        return
    with database.connect(
        secrets.open_secret(where.database), application=f"{run} (gate)", writes=True
    ) as connection:
        log = Log.of(where, proposal.root, connection)
        log.prepare()
        close_lapsed(log, where.name)
        policy = replace(policy, unreviewed=_unreviewed(log, where.name, run))
        if policy.unreviewed and not (policy.break_glass and suspends):
            raise errors.Refused(f"{proposal.title} is not asked about: {policy.unreviewed}.")
        yield Gatekeeper(proposal, run, policy, Kept(log, proposal, run))


def record_outcome(
    proposal: Proposal, run: str, *, ok: bool, said: str, over: bool, closing: Closing | None = None
) -> None:
    """Write down what came of a plan that was let through, and whether it is over; nothing where there is no database.

    `closing` ends the plan's own record in the same transaction, where it has one that can end.

    Raises:
        Unavailable: the database does not answer, or the copy of the log cannot be written.
    """
    where = proposal.environment
    if where.database is None:
        return
    with database.connect(
        secrets.open_secret(where.database), application=f"{run} (gate)", writes=True
    ) as connection:
        event = Event(
            *("ended", where.name, run, proposal.gate, proposal.plan_digest),
            note=said,
            details={"ok": ok, "over": over},
        )
        also = partial(closing, connection) if closing else None
        Log.of(where, proposal.root, connection).append(event, also=also)


def _unreviewed(log: Log, environment: str, run: str) -> str:
    asked = {"environment": environment, "run": run}
    with database.translating():
        found = log.connection.execute(queries.load("audit/unreviewed"), asked).fetchone()
    if found is None:
        return ""
    number, actor, gate = found
    return (
        f"{actor} broke the glass of {gate} (row {number} of the audit log), and nothing else is approved before "
        f"somebody else has reviewed that: runbooks audit review {number} --environment {environment} --as NAME"
    )


def close_lapsed(log: Log, environment: str) -> None:
    """Write down which questions nobody has answered in time: no process of ours sees that happen."""
    with database.translating():
        found = log.connection.execute(queries.load("audit/lapsed"), {"environment": environment}).fetchall()
    for run, gate, digest, ask in found:
        log.append(
            Event(
                "lapsed", environment, run, gate, digest, note="nobody decided in time", details={"of": ask}
            )
        )


def _verify(where: Environment, policy: Policy, *, suspends: bool) -> None:
    if where.approvers and not policy.proves:
        raise errors.Refused(
            f"The environment {where.name!r} names a store of approvers and nobody is enrolled in it, so nothing is "
            "approved. Enrol people: runbooks approvers add NAME."
        )
    if policy.proves and where.database is None:
        raise errors.Refused(
            f"The environment {where.name!r} has approvers and no database, so there is no audit log in which a code "
            "is used up. Name its database in runbooks.toml."
        )
    if policy.proves and len(policy.people) < where.approvals + where.four_eyes:
        raise errors.Refused(
            f"The environment {where.name!r} asks {where.approvals + where.four_eyes} different people and "
            f"{len(policy.people)} are enrolled, so nothing can ever be approved. "
            "Enrol more: runbooks approvers add NAME."
        )
    if where.guarded and (missing := _missing(where, policy, suspends=suspends)):
        raise errors.Refused(f"The environment {where.name!r} is guarded, and {missing}")


def _missing(where: Environment, policy: Policy, *, suspends: bool) -> str:
    if where.database is None:
        return "has no database in which a decision is kept. Name it in runbooks.toml."
    if not policy.proves:
        return "nobody is enrolled who could prove a decision. Enrol people: runbooks approvers add NAME."
    if not where.audit_key:
        return 'its audit log has no key. Say audit_key = "env:NAME" in runbooks.toml, and set it for the worker.'
    if not suspends:
        return (
            "this run has no deployment, so it cannot wait for a decision that is proven. Start it from the Prefect "
            "UI, or with runbooks run."
        )
    return ""


def _said(row: Row) -> dict[str, object]:
    return {
        "at": row.at.astimezone(UTC).isoformat(timespec="seconds"),
        "what": row.event,
        "who": row.actor,
        "proof": row.proof,
        "note": row.note,
    }
