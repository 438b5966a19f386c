"""Writes paused because of an incident, and let go on: one act and its inverse, each behind a gate of its own.

Source: supabase-operations.md, "Availability / Latency Degradation" ("enable read-only mode in app").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ops import (
    app_settings,
    errors,
    incident_writes_whose,
    prod_restore_facts,
    proposal,
    spoken,
    write_pause,
    write_pause_approved,
    write_pause_grants,
)
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from ops.incident_latency import KIND, Act, LatencyPlan
from ops.incident_writes_whose import BACK
from ops.proposal import Proposal
from ops.write_pause import Site
from ops.write_pause_approved import Proven
from ops.write_pause_journal import APPROVED_ANEW, Journal, Record

GATES = {Act.READ_ONLY: write_pause_approved.READ_ONLY, Act.READ_WRITE: write_pause_approved.READ_WRITE}


class Switching:
    """Writes on their way to being paused, or back; what must outlive the gate is in the record of paused writes."""

    def __init__(self, plan: LatencyPlan, site: Site) -> None:
        self.plan = plan
        self.site = site
        self.started = datetime.now(UTC)
        self.record = Record()
        self.proven = Proven()
        self.identity: dict[str, Any] = {}
        self.approved: Mapping[str, Any] = {}
        self.back: tuple[dict[str, Any], ...] = ()

    @property
    def pauses(self) -> bool:
        """Whether writes are paused, and not let go on."""
        return self.plan.act is Act.READ_ONLY

    @property
    def gate(self) -> str:
        """The name of the gate: there and back are two."""
        return GATES[self.plan.act]

    @property
    def begun(self) -> bool:
        """Whether this is recorded as begun before."""
        return bool(self.record.open) if self.pauses else self.record.resumed is not None

    @property
    def let_through(self) -> bool:
        """Whether what is recorded as begun was approved, so that nobody is asked again."""
        return self.proven.paused if self.pauses else self.proven.over

    @property
    def due(self) -> bool:
        """Whether there is anything to do."""
        return self.pauses or bool(self.record.open)

    @property
    def incident(self) -> str:
        """The name of the incident: that of the open one, or one that is new."""
        return self.record.open[0].incident if self.record.open else f"{self.started:%Y%m%dT%H%M%S%fZ}"

    @property
    def summary(self) -> str:
        """Say what is to be done, in one sentence."""
        plan = self.plan
        what = "Pause all writes" if self.pauses else "Let writes go on"
        why = f" Reason: {plan.reason}." if plan.reason else ""
        doubt = f" {self.proven.doubt}" if self.begun and self.proven.doubt else ""
        return f"{what} of {plan.project.name} on {plan.environment.name}.{why}{doubt}"

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about; it is bound to the database, the roles and the open incident."""
        plan, settings = self.plan, self.plan.environment.pause
        where = {name: self.identity.get(name) for name in ("system_identifier", "database")}
        content = {
            "runbook": KIND,
            "gate": gate,
            "environment": plan.environment.name,
            "database": where,
            "reason": plan.reason,
            "roles": list(settings.roles),
            "functions": settings.functions,
            "flag": [settings.flag, settings.flag_value] if settings.flag else [],
            "page": [settings.on, settings.off],
            "cron": settings.cron,
            "record": [] if self.pauses else [each.number for each in self.record.open],
        }
        document = f"# {self.summary}\n\n{self._paused() if self.pauses else self._resumed()}\n"
        digest = proposal.digest(content)
        return Proposal(gate, plan.environment, plan.project.root, digest, self.summary, document)

    def _paused(self) -> str:
        settings = self.plan.environment.pause
        beside = [
            "end every session of others in this database, and make it read-only by default",
            *([f"set the flag {settings.flag} to {settings.flag_value}"] if settings.flag else []),
            *([f"run `{settings.on}`"] if settings.on else []),
            *(["pause the jobs of pg_cron"] if settings.cron else []),
        ]
        return (
            f"Takes INSERT, UPDATE, DELETE, TRUNCATE and sequences from {', '.join(settings.roles)} and everybody; "
            "reading goes on. It will also:\n\n" + "\n".join(f"- {each}" for each in beside) + "\n\n"
            f"Writes stay paused, whatever becomes of this run. {BACK}"
        )

    def _resumed(self) -> str:
        rows = "\n".join(
            f"| {each.number} | {each.event} | {each.at:%Y-%m-%d %H:%M:%S} |" for each in self.record.open
        )
        return (
            "Gives back every right that was taken, and puts back the flag, the jobs and the setting as they were.\n\n"
            f"| event | what | at (UTC) |\n|---|---|---|\n{rows}"
        )


@check("writes")
def check_paused(checking: Checking) -> Evidence:
    """Say whether writes are paused, by whom and since when."""
    where = checking.plan.environment
    with checking.reading() as connection:
        record = Journal.of(checking.plan.project.root, where.name, checking.run).read(connection)
    if not record.open:
        return checking.found([], "Writes are not paused by a runbook.")
    first = record.open[0]
    by, why = first.details.get("by", "prod-restore"), first.details.get("reason", "no reason is recorded")
    finding = Finding(
        kind="writes-paused",
        object=where.name,
        severity="attention",
        said=f"Writes are paused since {spoken.moment(first.at)} by {by} ({first.run}): {why}.",
        why="The app cannot store anything.",
        todo=BACK if by == KIND else f"Take {by} to its end: it lets writes go on.",
        since=first.at,
    )
    return checking.found([finding], "")


def opened(plan: LatencyPlan, run: str, *, id: str) -> Switching:
    """Return the switch by the run of this name and id, with the database of its environment.

    Raises:
        Refused: the environment has no database, or its secret cannot be opened.
    """
    if plan.environment.database is None:
        raise errors.Refused(
            f"The environment {plan.environment.name!r} has no database, so there are no writes to pause. "
            "Name it in runbooks.toml."
        )
    dsn = app_settings.open_reference(plan.environment.database, plan.project.root)
    return Switching(plan, Site(plan.project, plan.environment, dsn, run, id))


def find(switching: Switching) -> Evidence:
    """Look at what is paused, by whom, and how far it came; reads only.

    Raises:
        Refused: writes are paused by another runbook or environment, or this run has ended its pause already; or a
            pause is to be given up, which would leave the database read-only.
        CheckFailed: the record and its copy contradict each other.
        Unavailable: the database does not answer.
    """
    with switching.site.connected() as connection:
        switching.proven = write_pause_approved.read(switching.site, connection)
        switching.record = switching.proven.record
        switching.identity = prod_restore_facts.identity(connection)
    where, record = switching.plan.environment.name, switching.record
    if switching.plan.act is Act.ABANDON:
        raise incident_writes_whose.not_given_up(where, switching.record)
    if record.open:
        incident_writes_whose.verify_ours(where, switching.record, pauses=switching.pauses)
        begun = record.open[0]
        rows = [{"event": each.event, "at": each.at.isoformat(), "run": each.run} for each in record.open]
        said = f"Writes are paused since {spoken.moment(begun.at)} by {begun.run}."
        said = switching.proven.doubt if switching.begun and switching.proven.doubt else said
        return Evidence(ok=True, summary=said, rows=tuple(rows))
    if switching.pauses and any(each.run == switching.site.id for each in record.newest):
        raise errors.Refused(
            "Writes that this run had paused were let go on since, so it does not pause them again under the same "
            "approval. Start a new run."
        )
    return Evidence(ok=True, summary=f"Writes are not paused on {where}.", idle=not switching.pauses)


def recall_approval(switching: Switching) -> None:
    """Go on under the approval of what was begun, as the record names it and the audit log has it."""
    event = switching.proven.pause if switching.pauses else switching.record.resumed
    switching.approved = write_pause_approved.approved(event) if event else {}


def record_anew(switching: Switching) -> Evidence:
    """Keep by whom a pause was approved that was recorded, and whose approval was not found.

    Raises:
        Unavailable: the database does not answer.
    """
    found = write_pause.note(switching.site, APPROVED_ANEW, {"approved": switching.approved})
    by = ", ".join(switching.approved.get("by", ()))
    return Evidence(
        ok=True, summary=f"Recorded as event {found.number}: the pause is approved anew, by {by}."
    )


def switch(switching: Switching) -> Evidence:
    """Pause writes, or give back exactly what was taken; safe to run twice, and to go on after it was killed.

    Raises:
        Refused: another run holds the database, or the login may not do it.
        Unavailable: a lock is in the way, or the connection is lost.
    """
    if switching.pauses:
        found = _pause(switching)
    else:
        found = write_pause.resume(switching.site, switching.approved, anew=not switching.proven.over)
    switching.record = switching.site.read()
    return found


def verify_back(switching: Switching) -> Evidence:
    """Hold the rights and the setting as they are against what was taken, as the record has it.

    Raises:
        Unavailable: the database does not answer.
    """
    paused = [each for each in switching.record.done() if each.details.get("grants") is not None]
    with switching.site.connected() as connection:
        there = {each.grant for each in write_pause_grants.read(connection, switching.plan.environment.pause)}
    taken = {write_pause_grants.Grant(*each) for event in paused for each in event.details["grants"]}
    said = [each for event in switching.record.open for each in event.details.get("said", ())]
    lost = sorted(str(each) for each in taken - there)
    unsaid = [each for each in lost if not any(each in one for one in said)]
    switching.back = tuple({"not as before": each} for each in (*said, *unsaid))
    well = f"All {len(taken)} rights that were taken are there again."
    told = "; ".join([*said, *unsaid])
    return Evidence(ok=not unsaid, summary=f"Not as before: {told}." if told else well, rows=switching.back)


def _pause(switching: Switching) -> Evidence:
    # prod-restore goes on from here where only a restore helps, so the record begins as its own does.
    begun: dict[str, Any] = {
        "by": KIND,
        "target": "",
        "way": "",
        "reason": switching.plan.reason,
        "identity": switching.identity,
        "expected": [],
        "approved": switching.approved,
    }
    return write_pause.pause(
        switching.site, switching.incident, begun=begun, take_up=lambda connection, record: {}
    )
