"""The steps of the gate of a pull request, beside those of the staging rehearsal."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ops import pull_request, pull_request_finish, pull_request_note, pull_request_seed, pull_request_staging
from ops.choices import PullRequestChoices
from ops.pull_request import GatePlan, Gating
from tasks.recording import recorded
from tasks.step import step

_plan_gate = step(pull_request.gate, title="Plan the gate of {path} against {base}", evidence="gate-plan")
check_branch = step(
    pull_request.check_branch, title="Check what the branch changes", evidence="branch", stops=False
)
read_staging = step(pull_request_staging.read, title="Read staging", evidence="staging")
build_base = step(pull_request.build_base, title="Build the base", evidence="base-built", stops=False)
sow_base = step(
    pull_request_seed.sow_base, title="Sow the base's seed", evidence="base-seed", stops=False, retry=False
)
find_added = step(pull_request.find_added, title="Find what the branch adds", evidence="added", stops=False)
check_rls = step(
    pull_request.check_rls, title="Check RLS coverage", evidence="branch-rls-coverage", stops=False
)
run_verification = step(
    pull_request.run_verification, title="Run the verification scripts", evidence="verification", stops=False
)
sow_branch = step(
    pull_request_seed.sow_branch, title="Sow the branch's seed", evidence="branch-seed", stops=False
)
find_drift = step(
    pull_request_staging.find_drift, title="Find drift on staging", evidence="drift", stops=False
)
hand_off = step(
    pull_request_finish.hand_off, title="Hand off", evidence="gate-verdict", shown=pull_request_note.markdown
)
hand_off_broken = step(
    pull_request_finish.hand_off_broken,
    title="Hand off what there is",
    evidence="gate-broken-off",
    stops=False,
    retry=False,
    shown=pull_request_note.markdown,
)


def plan_gate(
    project: str, base: str, environment: str, staging: str, choices: PullRequestChoices
) -> GatePlan:
    """Plan the gate; the pull request is told where that cannot be done."""
    with pull_request_finish.telling(Path(project), base, environment, choices):
        return _plan_gate(project, base, environment, staging, choices)


@contextmanager
def opened(plan: GatePlan) -> Generator[Gating]:
    """Open the throw-away database and the run's bundle; whatever ends the block, the bundle is sealed.

    The pull request is told of what has no result of its own.
    """
    recording = recorded(
        partial(pull_request.opened, plan),
        kind="pr-gate",
        out=Path(plan.out),
        named="rehearse",
        broken=hand_off_broken,
    )
    where = plan.project.root, plan.branch.base, plan.environment.name
    with pull_request_finish.telling(*where, plan.choices), recording as gating:
        yield gating
