"""A re-upload that was begun and is given up by somebody, so that nobody goes on with it, and what it had done by then.

Nothing of Storage is changed by that: what was uploaded stays, and what is still missing is found and planned anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ops import begun_plans, check_end, database, errors, incident_storage_uploads, journal, proposal, spoken
from ops.audit import Event, Log
from ops.checked import Checked
from ops.evidence import Evidence
from ops.incident_storage import KIND
from ops.incident_storage_uploads import Uploads
from ops.proposal import Proposal
from ops.storage_record import OPEN, Begun

GATE = "abandon"
RECORD = "abandoned.json"


class Abandoning:
    """A plan on its way to being given up."""

    def __init__(self, uploads: Uploads) -> None:
        self.uploads = uploads
        self.begun: Begun | None = None
        self.before = ""
        self.approved: Mapping[str, Any] = {}

    @property
    def due(self) -> bool:
        """Whether there is a plan to give up."""
        return self.begun is not None

    @property
    def reason(self) -> str:
        """Return why it is given up."""
        return self.uploads.checking.plan.reason

    @property
    def summary(self) -> str:
        """Say what is to be given up, in one sentence."""
        plan = self.uploads.checking.plan
        return (
            f"Give up the re-upload {self._plan.digest[:8]} of {plan.project.name} on {plan.environment.name}: "
            f"{_counted(self._plan)}. Reason: {self.reason}."
        )

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about; it is bound to how far the plan has come."""
        plan, begun = self.uploads.checking.plan, self._plan
        content = {
            "runbook": KIND,
            "gate": gate,
            "environment": plan.environment.name,
            "plan": begun.digest,
            "planned": begun.planned_at.astimezone(UTC).isoformat(),
            "states": list(begun.states),
            "reason": self.reason,
        }
        rows = "\n".join(f"| {_cell(each['object'])} | {each['state']} |" for each in rows_of(begun))
        document = (
            f"# {self.summary}\n\nIt was begun by {begun.run}, at {spoken.moment(begun.planned_at)}, for the reason: "
            f"{begun.reason}.\n\nNothing of Storage is changed: what was uploaded stays. No run goes on with this, and "
            "what is still missing or wrong is found by the next run, which plans it anew and asks.\n\n"
            f"| object | has come to |\n|---|---|\n{rows}\n"
        )
        digest = proposal.digest(content)
        return Proposal(gate, plan.environment, plan.project.root, digest, self.summary, document)

    @property
    def _plan(self) -> Begun:
        if self.begun is None:
            raise ValueError("there is no plan to give up")
        return self.begun


def find(abandoning: Abandoning) -> Evidence:
    """Look for the plan that has not ended; reads only. One that is given up already is not given up again.

    Raises:
        Refused: there is none, and none was given up.
        Unavailable: the database does not answer.
    """
    uploads = abandoning.uploads
    where = uploads.checking.plan.environment.name
    with uploads.connected() as connection:
        # A run that was killed goes on with its own.
        found = uploads.record.abandoned(connection) or uploads.record.open(connection)
        abandoning.begun = found
        last = uploads.record.last(connection)
        if found is None and last and last[1] == "abandoned":
            abandoning.before = _said_before(uploads, connection, last[0])
    if found:
        return Evidence(ok=True, summary=abandoning.summary, rows=rows_of(found))
    if abandoning.before:
        return Evidence(ok=True, summary=f"{abandoning.before} Nothing is left to give up.", idle=True)
    raise errors.Refused(
        f"No re-upload on {where} has been begun and not ended, so there is nothing to give up. Look whether this is "
        "the environment that was meant."
    )


def abandon(abandoning: Abandoning) -> Evidence:
    """End the plan and write down who has given it up, why, and what was done by then: both, or neither.

    Raises:
        Refused: a run is at work on it, or has taken it further; or somebody else was quicker to give it up.
        Unavailable: the database does not answer, or the copy of the log cannot be written.
    """
    uploads, begun = abandoning.uploads, abandoning.begun
    plan = uploads.checking.plan
    if begun is None:
        return Evidence(ok=True, summary="There is nothing to give up.", idle=True)
    with journal.held(uploads.dsn, uploads.checking.run), uploads.connected() as connection:
        log = Log.of(plan.environment, plan.project.root, connection)
        if uploads.record.abandoned(connection):
            # An attempt whose answer was lost has done it.
            log.mirror()
            return _given_up(abandoning, begun)
        there = uploads.record.open(connection)
        if there is None or there.digest != begun.digest:
            said = _said_before(uploads, connection, begun.digest) or f"Plan {begun.digest[:8]} was ended."
            raise errors.Refused(f"Others were quicker: {said} Nothing was done.")
        if there != begun:
            raise errors.Refused(
                f"Plan {begun.digest[:8]} has come further since it was looked at ({_counted(there)}), so it was not "
                "given up. Start again: it asks about what is there by then."
            )
        log.prepare()
        log.append(
            _event(abandoning, begun),
            also=lambda: uploads.record.end(connection, begun.digest, "abandoned"),
        )
    return _given_up(abandoning, begun)


def prove(abandoning: Abandoning) -> Evidence:
    """Look that no run goes on with it: its record has ended, and the audit log says so.

    Raises:
        Unavailable: the database does not answer.
    """
    uploads, begun = abandoning.uploads, abandoning.begun
    if begun is None:
        return Evidence(ok=True, summary=abandoning.before, idle=True)
    with uploads.connected() as connection:
        there = uploads.record.open(connection)
        said = _said_before(uploads, connection, begun.digest)
    if there and there.digest == begun.digest and there.planned_at == begun.planned_at:
        return Evidence(ok=False, summary=f"Plan {begun.digest[:8]} is still open.")
    return Evidence(
        ok=bool(said), summary=said or f"The audit log does not say that {begun.digest[:8]} is over."
    )


def conclude(abandoning: Abandoning) -> Checked:
    """Write down what was given up, and return the looks with that."""
    checking, begun = abandoning.uploads.checking, abandoning.begun
    looked = checking.concluded or check_end.hand_off(checking)
    summary = abandoning.before
    if begun:
        summary = _given_up(abandoning, begun).summary
        content = {
            "reason": abandoning.reason,
            "summary": summary,
            "plan digest": begun.digest,
            "approved": dict(abandoning.approved),
            "begun": {"run": begun.run, "at": begun.planned_at.isoformat(), "reason": begun.reason},
            "ended": datetime.now(UTC).isoformat(),
            "objects": list(rows_of(begun)),
        }
        if checking.bundle:
            checking.bundle.write_json(RECORD, content)
            checking.bundle.seal()
    return looked.model_copy(update={"ok": True, "summary": f"{summary} Before: {looked.summary}"})


def rows_of(begun: Begun) -> tuple[dict[str, str], ...]:
    """Return how far each object of a plan has come."""
    return tuple(
        {"object": str(item), "state": state} for item, state in zip(begun.items, begun.states, strict=True)
    )


def _event(abandoning: Abandoning, begun: Begun) -> Event:
    checking, approved = abandoning.uploads.checking, abandoning.approved
    rows = rows_of(begun)
    return Event(
        *("ended", checking.plan.environment.name, checking.id),
        *(incident_storage_uploads.GATE, begun.digest),
        note=f"given up by {_people(approved)}: {abandoning.reason}",
        details={
            "ok": False,
            "given_up": True,
            "by": list(approved.get("by", ())),
            "requester": approved.get("requester", ""),
            "proof": approved.get("proof", "none"),
            "gate": approved.get("plan", ""),
            "reason": abandoning.reason,
            "done": [each for each in rows if each["state"] not in OPEN],
            "left": [each for each in rows if each["state"] in OPEN],
        },
    )


def _given_up(abandoning: Abandoning, begun: Begun) -> Evidence:
    return Evidence(
        ok=True,
        summary=f"The re-upload {begun.digest[:8]} is given up by {_people(abandoning.approved)}: {_counted(begun)}. "
        f"Reason: {abandoning.reason}.",
        rows=rows_of(begun),
    )


def _people(approved: Mapping[str, Any]) -> str:
    return " and ".join(map(str, approved.get("by", ()))) or "nobody who is known"


def _counted(begun: Begun) -> str:
    """Say how many objects are done, and how many are not."""
    left = len(begun.left)
    counts = Counter(state for state in begun.states if state not in OPEN)
    done = ", ".join(f"{count:,} {state.replace('-', ' ')}" for state, count in counts.items())
    return f"of {len(begun.items):,} objects {done or 'none is done'}, {left:,} not done"


def _said_before(uploads: Uploads, connection: database.Connection, digest: str) -> str:
    """Say when and by whom a plan was given up; nothing where it was not."""
    plan = uploads.checking.plan
    log = Log.of(plan.environment, plan.project.root, connection)
    over = begun_plans.given_up(log, incident_storage_uploads.GATE, digest)
    return f"Plan {digest[:8]} was given up at {spoken.moment(over.at)}: {over.note}." if over else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
