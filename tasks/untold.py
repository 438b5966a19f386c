"""What the janitor tells: of runs that could not tell themselves, and what a channel did not take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType

from ops import errors, project_folder
from ops.evidence import Evidence
from ops.janitor import Tidying
from ops.notice_settings import Occasion
from ops.notices import Notice
from tasks import dead_runs, notifying, suspension
from tasks.notice_board import Board

_GOING = (StateType.RUNNING, StateType.PAUSED)
_ENDED = (StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
# What is older is told to nobody: the first janitor after a week should not tell of the week.
_BACK = timedelta(hours=26)


def tell_untold(tidying: Tidying) -> Evidence:
    """Tell people of what they were not told yet, each channel once; what none takes is tried again the next time."""
    where = tidying.plan.environment
    if not where.notifications.some:
        return Evidence(ok=True, summary="Nobody is to be told by channels.", idle=True)
    rows: list[dict[str, str]] = []
    with get_client(sync_client=True) as client:
        now = suspension.clock() or datetime.now(UTC)
        for run in of_environment(client, tidying, now):
            rows += notifying.ended(client, run, tidying.plan.project, where)
            board = Board(client, run.id)
            current = {key: each for key, each in board.notices().items() if _is_current(run, key, each)}
            for key, notice in current.items():
                rows += notifying.deliver(board, key, notice, where, now=now)
            if notifying.UNDELIVERED in run.tags and all(
                board.tries(key, channel).done for key, each in current.items() for channel in each.channels
            ):
                client.update_flow_run(run.id, tags={*run.tags} - {notifying.UNDELIVERED})
    untold = [row for row in rows if row["result"] != "told"]
    said = f"{len(rows) - len(untold)} messages were told." if rows else "Everybody knows what they should."
    left = f" {len(untold)} were not taken: {untold[0]['channel']}: {untold[0]['result']}." if untold else ""
    return Evidence(ok=not untold, summary=f"{said}{left}", rows=tuple(rows))


def of_environment(client: SyncPrefectClient, tidying: Tidying, now: datetime) -> Iterator[FlowRun]:
    """Yield the runs on the janitor's environment that go on or wait, and of those that ended not long ago the bad ones
    and those of which a channel has not taken something.
    """
    ended = FlowRunFilterEndTime.model_validate({"after_": now - _BACK})
    undelivered = FlowRunFilterTags(all_=[notifying.UNDELIVERED])
    for chosen in (
        FlowRunFilter(state=_called(*_GOING)),
        FlowRunFilter(state=_called(*_ENDED), end_time=ended),
        FlowRunFilter(state=_called(StateType.COMPLETED), end_time=ended, tags=undelivered),
    ):
        # What is told of one of them moves no other to another page.
        for run in list(dead_runs.paged(client, chosen)):
            if _is_about(run, tidying):
                yield run


def _called(*types: StateType) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types)))


def _is_about(run: FlowRun, tidying: Tidying) -> bool:
    path, name, plan = run.parameters.get("project"), run.parameters.get("environment"), tidying.plan
    return name == plan.environment.name and isinstance(path, str) and _root(path) == plan.project.root


@cache
def _root(path: str) -> Path | None:
    """Return the root of the project that a run names, which may lie deeper in its repository."""
    try:
        return project_folder.find(Path(path))
    except errors.Refused:
        return None


def _is_current(run: FlowRun, key: str, notice: Notice) -> bool:
    """Whether it is for the janitor to tell this, and it still helps to be told."""
    if notice.occasion not in set(Occasion):
        return False
    if notice.occasion == Occasion.WAITING:
        asked = run.state is not None and run.state.is_paused() and run.state.state_details.run_input_keyset
        return bool(asked) and f"{key.removeprefix('waiting-')}-" in str(asked)
    return not key.startswith("ended-") or key == notifying.ended_key(run)
