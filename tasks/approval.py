"""The gate: one line in a runbook, `approve(plan, "promote")`, and nothing goes on before somebody has said yes.

In Prefect the run suspends and no process waits; in a terminal it is a prompt, where nothing is guarded. What a
decision takes, and who may take it, is in `ops/approval.py`.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn, Protocol

import rich.prompt

from ops import errors, gatekeeper, guarded, secrets, webhook
from ops.approval import MOST_MISTAKES, Given, Standing
from ops.attempts import LOGGER
from ops.gatekeeper import Approval, Gatekeeper
from ops.project import Environment
from ops.proposal import Proposal
from tasks import outcomes, runs
from tasks.runs import Run
from tasks.step import step

_TOLD_WITHIN = timedelta(seconds=10)


class Approvable(Protocol):
    """A plan that can be brought to a gate."""

    def proposal(self, gate: str) -> Proposal: ...


record_approval = step(
    Gatekeeper.approved, title="Approved: {self.proposal.title}", evidence="approval", retry=False
)

# Red, so that who opens the run sees why at once, and not at the end of its log.
record_denial = step(
    Gatekeeper.denied, title="Denied: {self.proposal.title}", evidence="denial", stops=False, retry=False
)


def approve(plan: Approvable, gate: str) -> Approval:
    """Return when enough of the right people have approved exactly this plan; the run waits until then.

    Raises:
        Denied: somebody said no, nobody answered in time, or three answers were not right.
        Refused: the environment lacks what proves a decision, or the run cannot wait for one.
        Unavailable: the database in which a decision is kept does not answer.
    """
    proposal, run = plan.proposal(gate), runs.current()
    with gatekeeper.opened(proposal, run.id, suspends=run.suspends) as keeper:
        while True:
            found = _suspended(keeper, run) if run.suspends else _prompted(keeper)
            if found.status == "approved":
                if found.broken:
                    _tell(keeper, f"{found.why}\n\nIt stays open until somebody else has reviewed it.")
                outcomes.expect(proposal, run.id)
                approval = record_approval(keeper)
                if run.suspends:
                    from tasks import notifying

                    notifying.decided(proposal, approval.summary, but=_told(keeper) if found.broken else ())
                return approval
            if found.status == "denied":
                record_denial(keeper)
                raise errors.Denied(secrets.redact(f"{proposal.title} was {found.why}"))


def can_ask(where: Environment) -> bool:
    """Whether this run can wait for somebody, or somebody sits at its terminal, which does where nothing is guarded."""
    return runs.current().suspends or (sys.stdin.isatty() and not where.guarded)


def refuse_bare(root: Path, where: Environment, begun: str) -> None:
    """Check that a run may go on with what another one has begun under an approval, without asking again.

    Raises:
        Refused: the environment is guarded, and this run has no deployment.
    """
    guarded.verify(root, where)
    if where.guarded and not runs.current().suspends:
        raise errors.Refused(
            f"The environment {where.name!r} is guarded, and this run has no deployment, so it does not go on with "
            f"{begun} that was begun. Start it from the Prefect UI, or with runbooks run."
        )


def _suspended(keeper: Gatekeeper, run: Run) -> Standing:
    """Judge what was answered; suspends the run where that does not decide it yet."""
    from tasks import suspension

    base = f"{keeper.proposal.gate}-{keeper.proposal.plan_digest[:8]}-"
    given = [Given(one.key.removeprefix(base), one.at, one.said) for one in suspension.answers(base)]
    found = keeper.consider(given, clock=suspension.clock() if given else None)
    if found.status != "open":
        return found
    _ask(keeper, found, f"{run.attempt}-{len(given) + 1}", base)


def _ask(keeper: Gatekeeper, found: Standing, key: str, base: str) -> NoReturn:
    from tasks import forms, notifying, plan_page, suspension

    expires = keeper.ask(key)
    page = plan_page.publish(keeper.proposal)
    question = _question(keeper, found, page, expires)
    _tell(keeper, question)
    proposal = keeper.proposal
    asked, where = f"{base}{key}", proposal.environment
    notifying.waiting(proposal.root, where, key=asked, said=question, but=_told(keeper))
    form = forms.Request if found.wants_requester else forms.Decision
    if not keeper.policy.proves:
        form = forms.Unproven
    elif keeper.policy.break_glass and not found.wants_requester:
        form = forms.DecisionOrGlass
    suspension.ask(form, question, key=asked, patience=expires - datetime.now(UTC))


def _question(keeper: Gatekeeper, found: Standing, page: str, expires: datetime) -> str:
    proposal, policy = keeper.proposal, keeper.policy
    heading = f"Who asks for: {proposal.title}?" if found.wants_requester else f"Approve {proposal.title}?"
    lines = [
        f"**{heading}**",
        f"{proposal.summary} Plan `{proposal.plan_digest[:8]}` ([read all of it]({page})).",
    ]
    lines += ["\n".join(f"- {item}" for item in proposal.items)] if proposal.items else []
    if found.requester:
        lines.append(f"{found.requester} asks for it.")
    if policy.approvals > 1 and not found.wants_requester:
        lines.append(f"{len(found.by)} of {policy.approvals} approvals{_by(found)}.")
    if policy.unreviewed:
        lines.append(f"**Only broken glass counts now:** {policy.unreviewed}; then answer anything.")
    if found.why and found.why != policy.unreviewed:
        left = MOST_MISTAKES - found.mistakes
        lines.append(f"**The last answer did not count:** {found.why}. {left} more, then the gate closes.")
    lines.append(f"Open until {expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")
    return secrets.redact("\n\n".join(lines))


def _by(found: Standing) -> str:
    return f" ({', '.join(found.by)})" if found.by else ""


def _tell(keeper: Gatekeeper, said: str) -> None:
    """Tell those who approve; where that fails the run goes on all the same."""
    if keeper.proposal.environment.notify:
        text = f"{keeper.proposal.title}: {said}"
        told = webhook.tell(
            "approvers' channel", keeper.proposal.environment.notify, text, timeout=_TOLD_WITHIN
        )
        if not told.ok:
            LOGGER.warning("%s", told.summary)


def _told(keeper: Gatekeeper) -> tuple[str, ...]:
    """Return the webhook that `_tell` tells."""
    return (keeper.proposal.environment.notify,) if keeper.proposal.environment.notify else ()


def _prompted(keeper: Gatekeeper) -> Standing:
    if not sys.stdin.isatty():
        raise errors.Denied(
            f"{keeper.proposal.title} needs somebody's approval, and nobody can be asked here: there is no terminal "
            "and no deployment that could suspend. Start it from the Prefect UI, or in a terminal."
        )
    found = keeper.standing()
    number = str(len(keeper.record.rows()))
    keeper.ask(number)
    said = _typed(keeper, found)
    return keeper.consider([Given(f"terminal-{number}", datetime.now(UTC), said)])


def _typed(keeper: Gatekeeper, found: Standing) -> dict[str, str]:
    """Return what somebody types who is asked what the form asks in the Prefect UI."""
    ask = rich.prompt.Prompt.ask
    items = "".join(f"\n- {item}" for item in keeper.proposal.items)
    said: dict[str, str] = {}
    if found.wants_requester:
        said["requester"] = ask(f"{keeper.proposal.summary}{items}\n{found.why}\nWho asks for this?")
    else:
        question = f"{keeper.proposal.summary}{items}\n{found.why}\nApprove?"
        said["decision"] = ask(question, choices=["approve", "reject"])
        said["approver"] = ask("Your name")
    if keeper.policy.proves:
        said["code"] = ask("The code that your authenticator shows now", password=True)
    return {**said, "note": ask("Note", default="")}
