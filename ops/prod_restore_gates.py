"""What each gate of a restore is asked: to pause, to restore, that what was restored is right, or to give up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ops import prod_restore_ticket, prod_restore_ways, proposal
from ops.gatekeeper import Approval
from ops.prod_restore import STILL_PAUSED, Restoring, Way
from ops.proposal import Proposal
from ops.write_pause_approved import ENABLE, PAUSE, RESTORE, VERIFIED

GATES = (PAUSE, RESTORE, VERIFIED, ENABLE)


@dataclass(frozen=True)
class Question:
    """One question of a restore; `refused` counts the answers that could not be used, so that it is asked anew."""

    restoring: Restoring
    refused: tuple[str, ...] = ()

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about; it is bound to the incident, the target and what was found."""
        plan = self.restoring.plan
        content, summary, document, items = {
            PAUSE: self._pause,
            RESTORE: self._restore,
            VERIFIED: self._verified,
            ENABLE: self._enable,
        }[gate]()
        where = {"environment": plan.environment.name, "database": dict(self._database), "gate": gate}
        return Proposal(
            gate=gate,
            environment=plan.environment,
            root=plan.project.root,
            plan_digest=proposal.digest({**where, **content}),
            summary=summary,
            document=document,
            items=items,
        )

    @property
    def _database(self) -> Mapping[str, Any]:
        return {name: self.restoring.paused_on.get(name) for name in ("system_identifier", "database")}

    def _pause(self) -> tuple[dict[str, Any], str, str, tuple[str, ...]]:
        plan, restoring = self.restoring.plan, self.restoring
        settings = plan.environment.pause
        summary = (
            f"Pause all writes of {plan.project.name} on {plan.environment.name}, to restore it to {plan.target} "
            f"({plan.choices.way}). Reason: {plan.reason}."
        )
        if restoring.proven.doubt:
            summary += f" {restoring.proven.doubt}"
        beside = [
            "end every session of others in this database, and make it read-only by default",
            *([f"set the flag {settings.flag} to {settings.flag_value}"] if settings.flag else []),
            *([f"run `{settings.on}`"] if settings.on else []),
            *(["pause the jobs of pg_cron"] if settings.cron else []),
        ]
        document = _document(
            summary,
            f"Takes INSERT, UPDATE, DELETE, TRUNCATE and sequences from {', '.join(settings.roles)} and everybody, "
            "and gives back exactly that at the end. A database that a restore brings back is paused again at once.",
            _list("It will also", beside),
            _table("Expected to be lost, as far as rows have a time", restoring.expected),
            "Writes stay paused, whatever becomes of this run, until somebody has looked at the restored data and "
            "says so at the gate `verified-read-only`.",
        )
        content = {
            "target": str(plan.target),
            "way": plan.choices.way.value,
            "reason": plan.reason,
            "roles": list(settings.roles),
            "functions": settings.functions,
        }
        return content, summary, document, ()

    def _restore(self) -> tuple[dict[str, Any], str, str, tuple[str, ...]]:
        plan, restoring = self.restoring.plan, self.restoring
        way = plan.choices.way
        summary = f"{_ASKS[way]} {plan.project.name} on {plan.environment.name} to {plan.target}."
        if way is not Way.API:
            summary += f" Answer when it is done, with the note: {prod_restore_ticket.example(way)}"
        if self.refused:
            summary = f"**The last note did not count:** {self.refused[-1]} {summary}"
        items = prod_restore_ways.instructions(restoring)
        document = _document(
            summary,
            _list("Steps", items),
            _table(
                "Expected to be lost, as far as rows have a time", restoring.said("begun").get("expected", ())
            ),
            _table("What the backup holds at the target", [restoring.offer] if restoring.offer else ()),
            "Nobody writes: what is lost is what was written between the target and the pause. A rejection leaves "
            f"writes paused. {STILL_PAUSED}",
        )
        content = {
            "incident": restoring.incident,
            "target": str(plan.target),
            "way": way.value,
            "refused": list(self.refused),
        }
        return content, summary, document, items if way is not Way.API else ()

    def _verified(self) -> tuple[dict[str, Any], str, str, tuple[str, ...]]:
        plan, restoring = self.restoring.plan, self.restoring
        wrong = [row for row in restoring.verified if row["ok"] is False]
        named = ", ".join(str(row["what"]) for row in wrong)
        found = f"**Not proven: {named}.**" if wrong else "Everything that was looked at holds."
        where = f"{plan.project.name} on {plan.environment.name}"
        summary = f"Look at the restored data of {where}, and re-enable writes. {found}"
        document = _document(
            summary,
            _table("What was looked at", restoring.verified),
            "Approving re-enables writes: every right that was taken is given back. A rejection leaves them paused.",
        )
        rewound = restoring.event("rewound")
        content = {
            "incident": restoring.incident,
            "restored": rewound.number if rewound else 0,
            "found": [{name: str(said) for name, said in row.items()} for row in restoring.verified],
        }
        items = (
            "The newest rows that must be there are there.",
            "What broke the data is not there.",
            "The app reads well.",
        )
        return content, summary, document, items

    def _enable(self) -> tuple[dict[str, Any], str, str, tuple[str, ...]]:
        plan, restoring = self.restoring.plan, self.restoring
        summary = (
            f"Restore nothing, and re-enable the writes of {plan.project.name} on {plan.environment.name}. "
            f"Reason: {plan.reason}."
        )
        done = "was restored since" if restoring.restored else "is as it was when they were paused"
        document = _document(summary, f"The database {done}. Every right that was taken is given back.")
        return {"incident": restoring.incident, "reason": plan.reason}, summary, document, ()


_ASKS = {
    Way.TICKET: "Have Supabase's support restore",
    Way.API: "Restore by the Management API",
    Way.BACKUP: "Restore by your own backup, and switch over,",
}


def confirmed(restoring: Restoring) -> bool:
    """Whether exactly this restore was approved in this incident, as the audit log has it."""
    for event in restoring.record.open:
        if event.event == "restore-confirmed" and restoring.proven.of(event):
            asked = Question(restoring, tuple(event.details.get("refused", ()))).proposal(RESTORE)
            if asked.plan_digest == event.details["plan"]:
                return True
    return False


def answered(approval: Approval) -> dict[str, Any]:
    """Return who has decided, and what they have noted, for the record."""
    notes = [str(row["note"]) for row in approval.rows if row["note"]]
    return {
        "gate": approval.gate,
        "plan": approval.plan_digest,
        "by": list(approval.by),
        "run": approval.run,
        "requester": approval.requester,
        "proof": approval.proof,
        "note": notes[-1] if notes else "",
    }


def _document(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", *(part for part in parts if part)]) + "\n"


def _list(title: str, items: Iterable[str]) -> str:
    return f"## {title}\n\n" + "\n".join(f"- {item}" for item in items)


def _table(title: str, rows: Iterable[Mapping[str, Any]]) -> str:
    rows = [*rows]
    if not rows:
        return ""
    names = [*dict.fromkeys(name for row in rows for name in row)]
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    lines += [" | ".join(_cell(row.get(name)) for name in names) for row in rows]
    return f"## {title}\n\n" + "\n".join(f"| {line} |" for line in lines)


def _cell(value: object) -> str:
    said = "" if value is None else {"True": "yes", "False": "**no**"}.get(str(value), str(value))
    return said.replace("|", "\\|").replace("\n", " ")
