"""The incident report: what happened when, who approved, and what was lost. As Markdown and as JSON, of the same facts.

Source: supabase-operations.md, "Restore workflow (prod incident)", step 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ops import audit
from ops.audit_store import Store
from ops.prod_restore import Restoring
from ops.prod_restore_gates import GATES

_SAID = {
    "begun": "the incident begins",
    "page-on": "the maintenance page is shown",
    "paused": "writes are paused",
    "sessions-ended": "the sessions of others are ended",
    "baseline": "what there is is counted",
    "offer": "our own backup is restored aside, and looked at",
    "restore-confirmed": "the restore is confirmed",
    "restore-asked": "the Management API is asked to restore",
    "rewound": "a restored database is found",
    "paused-again": "writes are paused again",
    "pause-approved": "the pause is approved anew",
    "verified": "the restored data is confirmed",
    "given-up": "the restore is given up",
    "resumed": "writes are re-enabled",
    "sessions-renewed": "the sessions that began while paused are ended",
    "page-off": "the maintenance page is taken away",
}
_ASKED = ("asked", "requested", "approved", "rejected", "lapsed", "break-glass", "closed")
Row = dict[str, Any]


def timeline(restoring: Restoring) -> list[Row]:
    """Return what was done and decided, in order: acts from the record, decisions from the audit log's copy."""
    rows: list[Row] = [
        {"at": each.at, "what": _SAID.get(each.event, each.event), "who": _by(each.details), "run": each.run}
        for each in restoring.record.open
    ]
    rows += _decisions(restoring, {each.run for each in restoring.record.open})
    times: dict[str, str] = restoring.said("restore-confirmed").get("ticket", {})
    rows += [
        {"at": datetime.fromisoformat(text), "what": f"the ticket: {name}", "who": "", "run": ""}
        for name, text in times.items()
        if name != "ticket"
    ]
    ordered = sorted(rows, key=lambda row: row["at"])
    return [{**row, "at": row["at"].astimezone(UTC).isoformat(timespec="seconds")} for row in ordered]


def markdown(found: Mapping[str, Any]) -> str:
    """Return the report of a result as it is written as JSON."""
    loss: Mapping[str, Any] = found["loss"] or {}
    cause = ": ".join(part for part in (found["root_cause"], found["cause"]) if part)
    ticket = ", ".join(f"{name} {said}" for name, said in found["ticket"].items())
    facts = {
        "Verdict": f"{found['verdict']} ({found['state']})",
        "Incident": found["incident"],
        "Why": found["reason"],
        "Root cause": cause,
        "Restored to": found["target"],
        "By": f"{found['way']}{f' ({ticket})' if ticket else ''}",
    }
    parts = [
        f"# Incident report: {found['project']} on {found['environment']}",
        found["summary"],
        "\n".join(f"- **{name}**: {said}" for name, said in facts.items() if said),
        "## Timeline (UTC)",
        _table(found["timeline"]),
        "## Data loss",
        _loss(loss) if loss else "Nothing was restored, so nothing was lost by it.",
        "## What was looked at",
        _table(found["verified"]) or "Nothing was looked at.",
    ]
    return "\n\n".join(parts) + "\n"


def _decisions(restoring: Restoring, runs: set[str]) -> list[Row]:
    where = restoring.plan.environment
    store = Store.of(restoring.plan.project.root, where.name)
    first = restoring.record.open[0].at if restoring.record.open else restoring.started
    rows: list[Row] = []
    for row in audit.copied(store):
        mine = row.gate in GATES and (row.at >= first or row.gate == GATES[0])
        if mine and row.event in _ASKED and (row.run in runs or row.at >= first):
            note = f": {row.note}" if row.note else ""
            rows.append(
                {
                    "at": row.at,
                    "what": f"gate {row.gate}: {row.event}{note}",
                    "who": row.actor,
                    "run": row.run,
                }
            )
    return rows


def _by(details: Mapping[str, Any]) -> str:
    approved: Mapping[str, Any] = details.get("approved") or details
    return ", ".join(approved.get("by") or ())


def _loss(loss: Mapping[str, Any]) -> str:
    seconds = loss["seconds"]
    span = f"{seconds:.0f} s of writes" if seconds is not None else "a time that is not known"
    lines = [
        f"Lost is {span}: recovered up to {loss['recovered_to'] or 'a time that is not known'} "
        f"(by {loss['known_by']}), writes were paused at {loss['paused_at'] or 'a time that is not known'}.",
        _table(loss["tables"]),
        _list(
            "Rows of the audit log that the restored database lacked, put back from the copy",
            loss["audit_rows"],
        ),
        f"{loss['used_codes']} of them used a one-time code, which stays used." if loss["used_codes"] else "",
        _list("Migrations that must be promoted again", loss["migrations"]),
        _list("Rows of the journal of migrations that are gone", loss["journal_rows"]),
        "\n".join(loss["said"]),
    ]
    return "\n\n".join(line for line in lines if line)


def _list(title: str, items: Iterable[object]) -> str:
    listed = "\n".join(f"- {item}" for item in items)
    return f"{title}:\n\n{listed}" if listed else ""


def _table(rows: Iterable[Mapping[str, Any]]) -> str:
    rows = [*rows]
    if not rows:
        return ""
    names = [*dict.fromkeys(name for row in rows for name in row)]
    lines = [names, ["---"] * len(names), *([_cell(row.get(name)) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return ("" if value is None else str(value)).replace("|", "\\|").replace("\n", " ")
