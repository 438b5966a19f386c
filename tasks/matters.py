"""The matters of an environment: runs that ended badly or wait, what has closed them, and who looks after them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterId,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from ops.escalation import Matter
from ops.notice_settings import Occasion
from tasks import notifying
from tasks.notice_board import Board

ACKNOWLEDGED = "acknowledged-"
_PAGE = 200
# Of many runs that failed in the same way somebody acknowledges the first, which was told, or one of the last.
_LAST = 10


def key_of(run: FlowRun) -> str | None:
    """Return the name of what is to be looked after in a run now: how its attempt ended, or its question."""
    state = run.state
    if state is None:
        return None
    if state.is_paused():
        asked = (state.state_details.run_input_keyset or {}).get("response")
        plain = re.sub(r"[^a-z0-9]+", "-", asked.lower()) if asked else ""
        return f"asked-{plain}" if plain else None
    return notifying.ended_key(run) if notifying.occasion_of(run) else None


def found(client: SyncPrefectClient, runs: Iterable[FlowRun]) -> Iterator[tuple[FlowRun, Matter]]:
    """Yield what is to be looked after among these runs, each matter with the run that began it.

    A failure is over when its runbook has passed since. What a schedule starts and what fails every time until it
    passes is one matter, which began with the first of them.
    """
    groups: defaultdict[object, list[FlowRun]] = defaultdict(list)
    for run in runs:
        if key_of(run):
            groups[_group(run)].append(run)
    passed: dict[object, datetime | None] = {}
    for group in groups.values():
        ordered = sorted(group, key=_since)
        about = _about(ordered[0])
        if about not in passed:
            passed[about] = _last_passed(client, ordered[0])
        last = passed[about]
        still = [run for run in ordered if last is None or _since(run) > last or _waits(run)]
        if still:
            yield still[0], _matter(client, still)


def acknowledge(client: SyncPrefectClient, run: FlowRun, *, name: str, note: str) -> str | None:
    """Say that somebody looks after a run; returns who has said so already, if somebody has.

    Raises:
        LookupError: there is nothing to look after.
    """
    key = key_of(run)
    if key is None:
        raise LookupError(run.name)
    board = Board(client, run.id)
    said = {"by": name, "note": note, "at": datetime.now(UTC).isoformat()}
    return None if board.claim(f"{ACKNOWLEDGED}{key}", said) else _acknowledged(board, key)


def _group(run: FlowRun) -> object:
    if not run.auto_scheduled or _waits(run):
        return run.id
    return run.deployment_id, json.dumps(run.parameters, sort_keys=True, default=str)


def _about(run: FlowRun) -> object:
    return run.flow_id, str(run.parameters.get("project")), str(run.parameters.get("environment"))


def _waits(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_paused()


def _since(run: FlowRun) -> datetime:
    return run.state.timestamp if run.state else datetime.now(UTC)


def _last_passed(client: SyncPrefectClient, run: FlowRun) -> datetime | None:
    """Return when the runbook last passed for the same project and environment, since this run ended."""
    if _waits(run):
        return None
    chosen = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED])),
        end_time=FlowRunFilterEndTime.model_validate({"after_": _since(run)}),
    )
    offset = 0
    while page := client.read_flow_runs(
        flow_filter=FlowFilter(id=FlowFilterId(any_=[run.flow_id])),
        flow_run_filter=chosen,
        sort=FlowRunSort.END_TIME_DESC,
        limit=_PAGE,
        offset=offset,
    ):
        if passed := next((each for each in page if _about(each) == _about(run)), None):
            return passed.end_time
        offset += len(page)
    return None


def _matter(client: SyncPrefectClient, group: list[FlowRun]) -> Matter:
    first = group[0]
    looked_at = {run.id: run for run in (first, *group[-_LAST:])}.values()
    said = (_acknowledged(Board(client, run.id), key_of(run) or "") for run in looked_at)
    return Matter(
        key=key_of(first) or "",
        run=str(first.id),
        name=first.name,
        occasion=notifying.occasion_of(first) or Occasion.WAITING,
        since=_since(first),
        said=(first.state.message or "") if first.state and not _waits(first) else "",
        acknowledged=next((each for each in said if each), ""),
    )


def _acknowledged(board: Board, key: str) -> str:
    said = board.read(f"{ACKNOWLEDGED}{key}")
    if said is None:
        return ""
    return str(said.get("by") or "somebody") if isinstance(said, dict) else "somebody"  # pyright: ignore
