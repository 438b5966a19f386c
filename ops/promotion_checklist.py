"""The checklist after a promotion, as what a gate asks about: database-pipeline.md, "Post-Deployment Verification"."""

from __future__ import annotations

from dataclasses import dataclass

from ops import promotion_begun, proposal
from ops.audit import Log
from ops.checklists import confirmed as confirmed
from ops.deploy_verdict import Checklist
from ops.evidence import Evidence
from ops.promoting import Promoting
from ops.proposal import Proposal

GATE = "post-deployment"


@dataclass(frozen=True)
class PostDeployment:
    """What one person goes through by hand once a plan is in place."""

    promoting: Promoting

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about: confirmed for one plan that is in place, it is not for another."""
        promoting, plan = self.promoting, self.promoting.plan
        digest = promoting.frozen.digest if promoting.frozen else ""
        items = plan.project.release.checklist
        began = promoting.begun.began_at.isoformat() if promoting.begun else ""
        checks = "\n".join(f"- {each.name}: {each.summary}" for each in promoting.checks)
        listed = "\n".join(f"- [ ] {item}" for item in items)
        title = f"Go through the checklist after the promotion {digest[:8]}"
        return Proposal(
            gate=gate,
            # It lets nothing through any more: who looks is proven, and needs nobody else's consent.
            environment=plan.environment.model_copy(update={"four_eyes": False, "approvals": 1}),
            root=plan.project.root,
            plan_digest=proposal.digest({"plan": digest, "began": began, "items": list(items)}),
            summary=f"{title}. {_wrong(promoting)}",
            document=f"# {title}\n\n{listed}\n\n## What was found\n\n{checks}\n",
            items=items,
            change_digest=plan.change.digest,
            commit=plan.commit,
        )


def confirmed_before(todo: PostDeployment) -> Checklist | None:
    """Return what was confirmed for this very plan in a run that came to no end: nobody is asked for that twice."""
    promoting = todo.promoting
    digest = todo.proposal(GATE).plan_digest
    log = Log.of(promoting.plan.environment, promoting.plan.project.root, promoting.connection)
    rows = promotion_begun.deciding(log, GATE, digest)
    if not rows:
        return None
    said = "; ".join(row.note for row in rows if row.note)
    return Checklist(status="confirmed", said=said, by=", ".join(row.actor for row in rows))


def record(promoting: Promoting) -> Evidence:
    """Record what was said to the checklist."""
    if promoting.idle or promoting.stopped:
        return Evidence(ok=True, summary="Nothing was promoted, so there is no checklist.", idle=True)
    found = promoting.checklist
    if found is None:
        return Evidence(ok=True, summary="The project has no checklist for after a promotion.", idle=True)
    said = f": {found.said}" if found.said else ""
    return promoting.note(
        "checklist",
        Evidence(
            ok=found.status == "confirmed",
            summary=f"The checklist is {found.status}{f' by {found.by}' if found.by else ''}{said}.",
            rows=tuple(
                {"item": item, "status": found.status} for item in promoting.plan.project.release.checklist
            ),
        ),
    )


def _wrong(promoting: Promoting) -> str:
    wrong = [each.name for each in promoting.checks if each.ok is False]
    return f"**Not proven: {', '.join(wrong)}.**" if wrong else "Everything that was looked at holds."
