"""Runs that died with their machine, and runs that a schedule should have started and did not: both are Prefect's.

Facts this rests on (Prefect 3.8): after `kill -9` of worker and run, or a power cut, a run stays Running for ever and
only its heartbeats stop; one that was taken and not begun stays Pending. A suspended run has no heartbeat by nature, so
nothing but these two is ever looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.server.schemas import schedules
from prefect.settings import get_current_settings
from prefect.states import Crashed

from ops.evidence import Evidence
from ops.janitor import DeadRun, Tidying
from tasks import runs, suspension

# Heartbeats that may be missed: a machine that is busy is not dead.
_MISSED = 3
# So long a worker may take to start what it has taken: an image may have to be fetched.
_BEGINS_WITHIN = timedelta(minutes=10)
_HEARTBEAT = "prefect.flow-run.heartbeat"
# A run is late when nobody has begun it for so long; how far back a janitor that was down itself looks.
_LATE = timedelta(minutes=15)
_BACK = timedelta(hours=26)
_BACK_OFTEN = timedelta(hours=2)
_PAGE = 200
# So many times of a schedule Prefect says at once.
_MOST = 1000


def find_dead(tidying: Tidying) -> Evidence:
    """Find runs that are called running and have been silent for longer than three heartbeats."""
    with get_client(sync_client=True) as client:
        now = suspension.clock() or datetime.now(UTC)
        dead = silent(client, now, every=_every(), but=runs.current().id)
    tidying.dead = tuple(dead)
    rows = tuple({"run": each.name, "silent since": each.silent_since.isoformat()} for each in dead)
    said = (
        f"{len(dead)} runs died with their machine." if dead else "Every run that is called running is alive."
    )
    return Evidence(ok=True, summary=said, rows=rows)


def mark_crashed(tidying: Tidying) -> Evidence:
    """Call each dead run crashed, unless something has happened to it since, so that it can be retried."""
    if not tidying.dead:
        return Evidence(ok=True, summary="No run is to be marked.", idle=True)
    with get_client(sync_client=True) as client:
        tidying.crashed.extend(crash(client, tidying.dead))
    return Evidence(
        ok=True,
        summary=f"Marked as crashed: {', '.join(tidying.crashed) or 'none, all have moved on'}.",
        rows=tuple({"run": name} for name in tidying.crashed),
    )


def silent(client: SyncPrefectClient, now: datetime, *, every: timedelta, but: str = "") -> list[DeadRun]:
    """Return the runs that are called running and have missed three heartbeats, and those that nobody has begun.

    A run whose worker died between taking it and starting it stays Pending for ever. `but` one is left out.
    """
    limit = now - _MISSED * every
    running = [
        DeadRun(id=str(run.id), name=run.name, state_id=str(run.state.id), silent_since=heard)
        for run in _running(client)
        if run.state and str(run.id) != but
        for heard in (_last_sign(client, run),)
        if heard < limit
    ]
    pending = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING]))
    taken = [
        DeadRun(id=str(run.id), name=run.name, state_id=str(run.state.id), silent_since=run.state.timestamp)
        for run in client.read_flow_runs(flow_run_filter=FlowRunFilter(state=pending), limit=_PAGE)
        if run.state and run.state.timestamp < now - _BEGINS_WITHIN
    ]
    return [*running, *taken]


def crash(client: SyncPrefectClient, dead: Iterable[DeadRun]) -> Iterator[str]:
    """Call each of them crashed to which nothing has happened since, and yield its name."""
    for each in dead:
        run = client.read_flow_run(each.id)  # pyright: ignore[reportArgumentType]  # it takes a text as well
        if run.state is None or str(run.state.id) != each.state_id:
            continue
        begun = run.state.type is StateType.RUNNING
        heard, died = ("No heartbeat", "its machine") if begun else ("Taken and not begun", "its worker")
        said = f"{heard} since {each.silent_since:%Y-%m-%d %H:%M:%S} UTC: {died} died. Retry it to go on."
        client.set_flow_run_state(run.id, Crashed(message=said))
        yield each.name


def due_times(plain: dict[str, Any], *, since: datetime, until: datetime) -> list[datetime]:
    """Return when a schedule is due."""
    return _due(plain, since=since, until=until)


def find_missed(tidying: Tidying) -> Evidence:
    """Find what an active schedule should have started by now and nobody has."""
    with get_client(sync_client=True) as client:
        now = suspension.clock() or datetime.now(UTC)
        not_begun = [
            f"{name} at {at:%Y-%m-%d %H:%M} UTC"
            for found in _deployments(client)
            for name, at in missed(client, found, now)
        ]
    tidying.missed = tuple(not_begun)
    said = f"{len(not_begun)} runs that a schedule should have started did not begin: {', '.join(not_begun[:3])}."
    return Evidence(
        ok=not not_begun,
        summary=said if not_begun else "Every schedule has started what it should.",
        rows=tuple({"missed": each} for each in not_begun),
    )


def _every() -> timedelta:
    seconds = get_current_settings().flows.heartbeat_frequency
    return timedelta(seconds=seconds or 30)


def _running(client: SyncPrefectClient) -> Iterator[FlowRun]:
    called = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING]))
    return paged(client, FlowRunFilter(state=called))


def _last_sign(client: SyncPrefectClient, run: FlowRun) -> datetime:
    """Return when a run was last heard of: its last heartbeat, or when it came to be called running."""
    began = run.state.timestamp if run.state else datetime.now(UTC)
    body: dict[str, Any] = {
        "filter": {
            "event": {"name": [_HEARTBEAT]},
            "resource": {"id": [f"prefect.flow-run.{run.id}"]},
            "occurred": {"since": began.isoformat()},
            "order": "DESC",
        },
        "limit": 1,
    }
    found = client.request("POST", "/events/filter", json=body).json()["events"]
    return max([began, *(datetime.fromisoformat(each["occurred"]) for each in found)])


def _deployments(client: SyncPrefectClient) -> list[DeploymentResponse]:
    found = client.read_deployments(limit=_PAGE)
    return [each for each in found if not each.paused and any(schedule.active for schedule in each.schedules)]


def missed(
    client: SyncPrefectClient, found: DeploymentResponse, now: datetime
) -> Iterator[tuple[str, datetime]]:
    """Yield the times at which a deployment should have been started and was not, or still waits to be."""
    until = now - _LATE
    name = f"{client.read_flow(found.flow_id).name}/{found.name}"
    for schedule in found.schedules:
        if not schedule.active:
            continue
        known = max(now - _BACK, schedule.created or now, found.updated or now)
        plain = schedule.schedule.model_dump()
        due = _due(plain, since=known, until=until)
        if len(due) >= _MOST:
            # What runs every minute is looked at for as long as a person would.
            due = _due(plain, since=max(known, now - _BACK_OFTEN), until=until)
        if due:
            begun = _begun(client, found, since=min(due), until=max(due))
            yield from ((name, at) for at in due if at not in begun)


def _begun(
    client: SyncPrefectClient, found: DeploymentResponse, *, since: datetime, until: datetime
) -> set[datetime]:
    """Return for when the runs were expected that somebody has begun."""
    expected = {"after_": since - timedelta(minutes=1), "before_": until + timedelta(minutes=1)}
    chosen = FlowRunFilter(expected_start_time=FlowRunFilterExpectedStartTime.model_validate(expected))
    of = DeploymentFilter(id=DeploymentFilterId(any_=[found.id]))
    return {
        run.expected_start_time.astimezone(UTC).replace(microsecond=0)
        for run in paged(client, chosen, of)
        if run.expected_start_time and run.state and run.state.type != StateType.SCHEDULED
    }


def paged(
    client: SyncPrefectClient, chosen: FlowRunFilter, of: DeploymentFilter | None = None
) -> Iterator[FlowRun]:
    """Yield all runs that are meant, page by page."""
    offset = 0
    while page := client.read_flow_runs(
        flow_run_filter=chosen, deployment_filter=of, limit=_PAGE, offset=offset
    ):
        yield from page
        offset += len(page)


def _due(plain: dict[str, Any], *, since: datetime, until: datetime) -> list[datetime]:
    """Return when a schedule is due, by the very code with which Prefect's server schedules."""
    if plain.get("cron") is not None:
        computed = schedules.CronSchedule.model_validate(plain)
    elif plain.get("rrule") is not None:
        computed = schedules.RRuleSchedule.model_validate(plain)
    elif plain.get("interval") is not None:
        computed = schedules.IntervalSchedule.model_validate(plain)
    else:
        return []
    # In a thread of its own: whoever asks may stand in an event loop already.
    with ThreadPoolExecutor(1) as apart:
        times = apart.submit(asyncio.run, computed.get_dates(n=_MOST, start=since, end=until)).result()
    return [at.astimezone(UTC).replace(microsecond=0) for at in times]
