"""Runs of a deployment: triggered, and followed step by step as a person would in the UI."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.client.schemas.sorting import TaskRunSort

from deployments.stack import Stack

POLL = 0.3
PAGE = 200


@dataclass(frozen=True)
class StepSeen:
    """A step of the run that has started, or ended: then `ok` is known and `summary` says what came of it."""

    title: str
    ok: bool | None
    summary: str = ""
    seconds: float = 0.0


def trigger(stack: Stack, deployment: str, parameters: Mapping[str, Any]) -> FlowRun:
    """Start `flow/deployment` with these parameters on whatever worker takes it."""
    with stack.client() as client:
        found = client.read_deployment_by_name(deployment)
        return client.create_flow_run_from_deployment(found.id, parameters=dict(parameters))


def follow(stack: Stack, flow_run: UUID) -> Iterator[StepSeen | FlowRun]:
    """Yield each step when it starts and when it ends, and the run itself as the last."""
    with stack.client() as client:
        started: set[UUID] = set()
        ended = 0
        while True:
            run = client.read_flow_run(flow_run)
            over = run.state is not None and (run.state.is_final() or run.state.is_paused())
            for task_run in _steps(client, flow_run, offset=ended):
                if task_run.id not in started:
                    started.add(task_run.id)
                    yield StepSeen(task_run.name, None)
                if task_run.state is None or not task_run.state.is_final():
                    break
                ended += 1
                yield _ended(task_run)
            if over:
                yield run
                return
            time.sleep(POLL)


def _steps(client: SyncPrefectClient, flow_run: UUID, *, offset: int) -> list[TaskRun]:
    return client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run])),
        sort=TaskRunSort.EXPECTED_START_TIME_ASC,
        limit=PAGE,
        offset=offset,
    )


def _ended(task_run: TaskRun) -> StepSeen:
    state = task_run.state
    assert state
    return StepSeen(
        task_run.name,
        ok=state.is_completed(),
        summary=state.message or "",
        seconds=task_run.total_run_time.total_seconds(),
    )
