"""A real Prefect server and worker, one for the whole session, and what an operator does with them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import Artifact, FlowRun
from prefect.client.schemas.sorting import ArtifactSort, FlowRunSort

from deployments import runs
from deployments import stack as local_stack
from deployments.runs import StepSeen
from deployments.stack import Stack
from ops import bundle
from ops.verdict import Rehearsal
from tests import preforked
from tests.polling import wait_until

RUNBOOK = "staging-rehearsal/throw-away"
PATIENCE = 30
# A question to the Prefect server takes as much of a processor as a step of the run that it asks about.
PAUSE = 0.3


class Desk:
    """The operator at their desk: starts runs, watches them, answers their questions."""

    def __init__(self, stack: Stack, client: SyncPrefectClient) -> None:
        self.stack = stack
        self._client = client

    def start(self, project: Path, *, environment: str = "throw-away", **choices: Any) -> FlowRun:
        parameters = {"project": str(project), "environment": environment, "choices": choices}
        return runs.trigger(self.stack, RUNBOOK, parameters)

    def rehearse(self, project: Path, **chosen: Any) -> Run:
        """Start a run and return it when it has ended, or waits for an answer."""
        return self.watch(self.start(project, **chosen), project)

    def watch(self, run: FlowRun, project: Path) -> Run:
        *steps, ended = runs.follow(self.stack, run.id)
        assert isinstance(ended, FlowRun)
        return Run(self, ended, project, [step for step in steps if isinstance(step, StepSeen)])

    def read(self, run: UUID) -> FlowRun:
        return self._client.read_flow_run(run)

    def names(self) -> dict[str, UUID]:
        """Return the newest runs by name."""
        return {run.name: run.id for run in self._client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC)}

    def state(self, run: UUID) -> str:
        state = self.read(run).state
        return state.name or "" if state else ""

    def wait_for(self, run: UUID, *states: str) -> None:
        wait_until(lambda: self.state(run) in states, seconds=PATIENCE, pause=PAUSE)

    def answer(self, run: UUID, decision: str, note: str = "") -> None:
        """Fill in the form, as soon as the server has it."""

        def accepted() -> bool:
            given = self._client.resume_flow_run(run, run_input={"decision": decision, "note": note})
            return given.status.value == "ACCEPT"

        wait_until(accepted, seconds=PATIENCE, pause=PAUSE)

    def refusal(self, run: UUID, **answer: str) -> str:
        """Return why the server does not take an answer."""
        given = self._client.resume_flow_run(run, run_input=answer)
        return getattr(given.details, "reason", "")

    def artifacts(self, run: UUID) -> list[Artifact]:
        """Return what the run shows, the newest first."""
        return self._client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run])),
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run])),
            sort=ArtifactSort.CREATED_DESC,
        )

    def process(self, run: UUID) -> psutil.Process:
        """Return the process in which the worker runs a flow."""
        worker = psutil.Process(self.stack.processes["worker"].pid)
        for child in worker.children(recursive=True):
            if child.environ().get("PREFECT__FLOW_RUN_ID") == str(run) and "worker" not in child.cmdline():
                return child
        raise LookupError(run)


class Run:
    """A run as it was left: `steps` are those that ended, in the order in which the terminal shows them."""

    def __init__(self, desk: Desk, run: FlowRun, project: Path, seen: Sequence[StepSeen]) -> None:
        self.desk = desk
        self.id = run.id
        self.name = run.name
        self.project = project
        self.state = run.state.name if run.state else None
        self.message = run.state.message or "" if run.state else ""
        self.steps = [step for step in seen if step.ok is not None]

    @property
    def titles(self) -> list[str]:
        return [step.title for step in self.steps]

    @property
    def bundle(self) -> Path:
        found = bundle.of_run(self.project, str(self.id))
        assert found is not None, "the run left no bundle"
        return found

    @property
    def result(self) -> Rehearsal:
        return Rehearsal.read((self.bundle / "rehearsal.json").read_text("utf-8"))

    def step(self, title: str) -> StepSeen:
        """Return the last step of this title."""
        return next(step for step in reversed(self.steps) if step.title.startswith(title))

    def artifact(self, key: str) -> Artifact:
        """Return the newest artifact under this key."""
        return next(each for each in self.desk.artifacts(self.id) if each.key == key)

    def resumed(self, decision: str, note: str = "") -> Run:
        """Answer the run's question, and return it when it has ended or asks again."""
        self.desk.answer(self.id, decision, note)
        return self.desk.watch(self.desk.read(self.id), self.project)


def copied(client: SyncPrefectClient, runbook: str, name: str, **parameters: str) -> UUID:
    """Deploy a runbook once more under another name, as one that a test may schedule or take away."""
    like = client.read_deployment_by_name(runbook)
    return client.create_deployment(
        flow_id=like.flow_id,
        name=name,
        entrypoint=like.entrypoint,
        path=like.path,
        pull_steps=like.pull_steps,
        work_pool_name=like.work_pool_name,
        parameters={**like.parameters, **parameters},
        parameter_openapi_schema=like.parameter_openapi_schema,
    )


@contextmanager
def deployed(desk: Desk, runbook: str, name: str) -> Generator[None]:
    """Deploy a runbook once more under another name, as long as the block runs."""
    with desk.stack.client() as client:
        made = copied(client, runbook, name)
        try:
            yield
        finally:
            client.delete_deployment(made)


@pytest.fixture(scope="session")
def stack() -> Generator[Stack]:
    """A running stack with the runbooks of this repository."""
    # A run is taken up sooner; a worker that asks more often costs more than it saves.
    extra = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
    with local_stack.running(extra=extra) as running, preforked.serving(running, extra):
        yield running


@pytest.fixture(scope="session")
def desk(stack: Stack) -> Generator[Desk]:
    with stack.client() as client:
        yield Desk(stack, client)
