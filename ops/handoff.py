"""The end of a rehearsal: its logs, its plan status and its note in the bundle, and word to the manager."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ops import note, secrets, transcript, triage
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.project import Project
from ops.verdict import MigrationResult, Rehearsal

RESULT = "rehearsal.json"
PLAN = "data_plan.json"
APPLY = "migration_apply.log"
ROLLBACK = "migration_rollback.log"
CONTRACT = "rls_contract.log"
STATUS_POST = "migration_status_post.txt"


def write(
    bundle: Bundle,
    rehearsal: Rehearsal,
    *,
    connectivity: Evidence | None = None,
    before: Evidence | None = None,
    after: Evidence | None = None,
) -> None:
    """Write every log, the plan status and the note of staging-rehearsal.md under the names it gives them.

    What did not happen (`None`) leaves no file. The bundle is not sealed by this.
    """
    clock = f"{bundle.started.astimezone(UTC):%H%M%S}"
    tables = {
        f"ipv4_pooler_check_{clock}.log": connectivity,
        f"migration_status_pre_{clock}.txt": before,
        STATUS_POST: after,
    }
    for name, evidence in tables.items():
        if evidence is not None:
            bundle.write_text(name, transcript.table(evidence))
    bundle.write_text(APPLY, transcript.applied(rehearsal))
    bundle.write_text(ROLLBACK, transcript.rolled_back(rehearsal))
    bundle.write_text(CONTRACT, transcript.contract(rehearsal))
    bundle.write_json(RESULT, rehearsal.published())
    bundle.write_json(PLAN, plan(bundle, rehearsal))
    bundle.write_text(note_name(bundle), note.markdown(rehearsal, logs=logs(bundle)))


def note_name(bundle: Bundle) -> str:
    """Return the name of the hand-off note: the runbook's daily feedback file."""
    return f"feedback_{bundle.started.astimezone(UTC):%Y-%m-%d}.md"


def logs(bundle: Bundle) -> dict[str, str]:
    """Return the files of this attempt that exist, by what they show."""
    patterns = {
        "Connectivity check": "ipv4_pooler_check_*.log",
        "Status before": "migration_status_pre_*.txt",
        "Apply log": APPLY,
        "Rollback log": ROLLBACK,
        "RLS contract": CONTRACT,
        "Status after": STATUS_POST,
        "Attempts": "mcp_attempt*.jsonl",
        "Plan status": PLAN,
        "Result": RESULT,
    }
    found = {name: sorted(bundle.path.glob(pattern)) for name, pattern in patterns.items()}
    return {name: paths[-1].name for name, paths in found.items() if paths}


def plan(bundle: Bundle, rehearsal: Rehearsal) -> dict[str, Any]:
    """Return the plan status: every step and every migration with its status and where its evidence is."""
    here = logs(bundle)
    steps = [
        _item("connectivity", "completed", [here.get("Connectivity check")]),
        _item("inventory", "completed", [here.get("Status before")]),
        _item("apply", _status(not rehearsal.counts.failed and not rehearsal.counts.refused), [APPLY]),
        _item("rollback", _rollback_status(rehearsal), [ROLLBACK]),
        _item("rls-contract", _contract_status(rehearsal), [CONTRACT]),
        _item("post-status", "completed", [here.get("Status after")]),
    ]
    items = [*steps, *(_migration_item(each) for each in rehearsal.migrations)]
    return {
        "runbook": "staging-rehearsal" if bundle.kind == "rehearsal" else bundle.kind,
        "run": bundle.run,
        "attempt": bundle.attempt,
        "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": _status(rehearsal.ok),
        "evidence_root": ".",
        "items": items,
    }


def notify(project: Project, rehearsal: Rehearsal, *, timeout: timedelta = timedelta(seconds=10)) -> Evidence:
    """Tell the manager's webhook, where one is configured, how the rehearsal ended.

    It never raises: a manager who could not be told is a finding, not a failed rehearsal.
    """
    if project.manager is None:
        return Evidence(ok=True, summary="No manager webhook is configured, so nobody was told.")
    # Not before somebody is to be told: an HTTP client takes as long to import as ten migrations to prove.
    from ops import telling, webhook

    answer = webhook.tell("manager", project.manager, message(rehearsal), timeout=timeout)
    telling.mark([project.manager] if answer.ok else [])
    return answer


def message(rehearsal: Rehearsal) -> str:
    """Return what the manager reads: verdict, first blockers, what is next, where the evidence is."""
    blockers = triage.blockers(rehearsal)
    more = len(blockers) - 3
    lines = [
        f"{rehearsal.verdict.upper()}: {rehearsal.project} on {rehearsal.environment}. {rehearsal.summary}",
        *(f"• {blocker}" for blocker in blockers[:3]),
        *([f"• and {more} more"] if more > 0 else []),
        f"Next: {triage.next_action(rehearsal)}",
        *([f"Evidence: {rehearsal.bundle}"] if rehearsal.bundle else []),
    ]
    # Without these three a file's name could ping a channel or pass for a link.
    escaped = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return secrets.redact(escaped)


def _item(name: str, status: str, evidence: list[str | None], **more: object) -> dict[str, object]:
    paths = [path for path in evidence if path]
    return {"id": name, "status": status if paths else "not-started", "evidence": paths, **more}


def _status(fine: bool) -> str:
    return "completed" if fine else "blocked"


def _rollback_status(rehearsal: Rehearsal) -> str:
    chain = rehearsal.chain.status not in {"differs", "failed"}
    return _status(chain and not rehearsal.counts.rollbacks_wrong)


def _contract_status(rehearsal: Rehearsal) -> str:
    contract = rehearsal.contract
    holds = contract.missing is None and all(triage.holds(file) for file in contract.files)
    return _status(holds and not any(finding.level == "error" for finding in rehearsal.rls.findings))


def _migration_item(result: MigrationResult) -> dict[str, object]:
    if result.status == "skipped":
        status = "not-started"
    else:
        proven = result.rollback.status not in {"differs", "failed"}
        same = result.reapply.status not in {"differs", "failed"}
        status = _status(result.status == "applied" and proven and same)
    return _item(
        Path(result.file).name,
        status,
        [APPLY, ROLLBACK],
        version=result.version,
        attempts=result.attempts,
        rollback=result.rollback.status,
    )
