"""Runs of a deployment: triggered, and followed step by step as a person would in the UI."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.client.schemas.sorting import TaskRunSort

_POLL = 0.3
_PAGE = 200
# Prefect records task runs from events, a little after they happened and not always in their order.
_OVERLAP = 50
_QUIET = 1.5
_LATEST = 20.0


class Served(Protocol):
    """A Prefect server, be it a local stack's or the team's."""

    def client(self) -> SyncPrefectClient: ...
    def run_page(self, flow_run: object) -> str: ...


@dataclass(frozen=True)
class StepSeen:
    """A step of the run that has started, or ended: then `ok` is known and `summary` says what came of it."""

    title: str
    ok: bool | None
    summary: str = ""
    seconds: float = 0.0


def trigger(stack: Served, deployment: str, parameters: Mapping[str, Any]) -> FlowRun:
    """Start `flow/deployment` with these parameters on whatever worker takes it."""
    with stack.client() as client:
        found = client.read_deployment_by_name(deployment)
        return client.create_flow_run_from_deployment(found.id, parameters=dict(parameters))


def follow(stack: Served, flow_run: UUID) -> Iterator[StepSeen | FlowRun]:
    """Yield each step when it starts and when it ends, and last the run, as it ended or waits for a person."""
    with stack.client() as client:
        steps = _Steps(client, flow_run)
        over: float | None = None
        while True:
            run = client.read_flow_run(flow_run)
            news = list(steps.news())
            yield from news
            now = time.monotonic()
            if run.state and (run.state.is_final() or run.state.is_paused()):
                over = over or now
                steps.changed = now if news else max(steps.changed, over)
                if now - over > _LATEST or (now - steps.changed > _QUIET and not steps.open):
                    yield run
                    return
            else:
                over = None
            time.sleep(_POLL)


@dataclass
class _Steps:
    """What has been seen of a run's steps."""

    client: SyncPrefectClient
    flow_run: UUID
    changed: float = 0.0
    _started: set[UUID] = field(default_factory=set[UUID])
    _ended: set[UUID] = field(default_factory=set[UUID])

    @property
    def open(self) -> bool:
        """Whether a step has started and not ended."""
        return len(self._started) > len(self._ended)

    def news(self) -> Iterator[StepSeen]:
        """Yield what has started or ended since it was last asked."""
        for task_run in self._recorded(offset=max(0, len(self._ended) - _OVERLAP)):
            # While it is pending it does not have its name yet.
            begun = task_run.state is not None and not task_run.state.is_pending()
            if begun and task_run.id not in self._started:
                self._started.add(task_run.id)
                yield StepSeen(task_run.name, None)
            if task_run.id not in self._ended and task_run.state and task_run.state.is_final():
                self._ended.add(task_run.id)
                yield StepSeen(
                    task_run.name,
                    ok=task_run.state.is_completed(),
                    summary=task_run.state.message or "",
                    seconds=task_run.total_run_time.total_seconds(),
                )

    def _recorded(self, *, offset: int) -> list[TaskRun]:
        return self.client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[self.flow_run])),
            sort=TaskRunSort.EXPECTED_START_TIME_ASC,
            limit=_PAGE,
            offset=offset,
        )
