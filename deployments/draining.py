"""A work pool from which nothing further begins, until what is under way has ended.

Facts this rests on (Prefect 3.8): a worker that is told to end kills its runs, and what it ran stays Running for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType

from deployments import prefect_setup
from deployments.installation_folder import Home

_LOOK = 1.0
_MOST = 200
_BUSY = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
Tell = Callable[[str], None]


def pause(home: Home, client: SyncPrefectClient, *, paused: bool) -> None:
    """Pause the work pool, or let it go on, unless it was an operator who has paused it."""
    if paused and client.read_work_pool(prefect_setup.POOL).is_paused:
        return
    if not paused and not home.draining.exists():
        return
    if paused:
        home.draining.touch()
    client.update_work_pool(prefect_setup.POOL, WorkPoolUpdate(is_paused=paused))
    if not paused:
        home.draining.unlink()


def drained(home: Home, client: SyncPrefectClient, seconds: float, tell: Tell) -> tuple[FlowRun, ...]:
    """Let no further run begin, wait for those that are under way, and return those that still are."""
    pause(home, client, paused=True)
    deadline, told = time.monotonic() + seconds, ""
    while busy := runs(client, *_BUSY):
        if time.monotonic() > deadline:
            return busy
        if told != (told := ", ".join(run.name for run in busy)):
            tell(f"Waiting for {len(busy)} runs that are under way: {told}")
        time.sleep(_LOOK)
    return ()


def runs(client: SyncPrefectClient, *kinds: StateType) -> tuple[FlowRun, ...]:
    """Return the runs in states of these kinds."""
    chosen = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(kinds))))
    return tuple(client.read_flow_runs(flow_run_filter=chosen, limit=_MOST))


def still(busy: tuple[FlowRun, ...]) -> str:
    """Say who still runs, and what can be done about it."""
    named = "; ".join(f"{run.name} ({run.state_name}, {str(run.id)[:8]})" for run in busy)
    return (
        f"{len(busy)} runs are under way, so nothing was stopped: {named}. Wait longer: --wait 600; or cut them off, "
        "after which each is Crashed and can be retried: --now."
    )
