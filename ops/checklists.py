"""A list that a person goes through, as what a gate asks about: the note names the exceptions."""

from __future__ import annotations

from dataclasses import dataclass

from ops import proposal
from ops.deploy_plan import GatePlan
from ops.deploy_verdict import Checklist
from ops.gatekeeper import Approval
from ops.proposal import Proposal


@dataclass(frozen=True)
class ToDo:
    """What is to be gone through by hand, for which deploy."""

    plan: GatePlan
    title: str
    items: tuple[str, ...]
    commit: str = ""

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about: confirmed for one deploy, it is not for another."""
        plan = self.plan
        content = {
            "project": plan.project.name,
            "environment": plan.environment.name,
            "deploy": plan.deploy,
            "commit": self.commit,
            "items": list(self.items),
        }
        listed = "\n".join(f"- [ ] {item}" for item in self.items)
        return Proposal(
            gate=gate,
            environment=plan.environment,
            root=plan.project.root,
            plan_digest=proposal.digest(content),
            summary=self.title,
            document=f"# {self.title}\n\n{listed}\n",
            items=self.items,
            commit=self.commit or None,
            reference=plan.reference,
        )


def confirmed(approval: Approval) -> Checklist:
    """Return what a confirmation says."""
    said = "; ".join(str(row["note"]) for row in approval.rows if row["note"])
    return Checklist(status="confirmed", said=said, by=", ".join(approval.by))
