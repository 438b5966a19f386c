"""Tell people of a run: once for each event, through each channel that its environment names for it.

A run tells by itself where it still can, and the janitor tells what is left: of runs that died, of gates that lapsed,
and what a channel did not take. What was told is kept beside the run (`tasks/notice_board.py`). Telling fails no run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from logging import Logger, LoggerAdapter
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
)
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.sorting import FlowRunSort
from prefect.logging.loggers import flow_run_logger, get_run_logger
from prefect.utilities.urls import url_for

from ops import errors, notices, project, redaction, telling
from ops.notice_settings import Occasion
from ops.notices import Channel, Notice
from ops.project import Environment, Project
from ops.proposal import Proposal
from tasks import channels, runs
from tasks.notice_board import Board

# What Prefect's server says of a run that waited and was not answered in time.
_LAPSED = re.compile(r"The flow was .{1,20} and never resumed\.")
_EARLIER = 5
# The tag of a run of which a channel has not taken something: by it the janitor finds those that have ended well since.
UNDELIVERED = "undelivered-notice"


def of_end(flow: object, flow_run: FlowRun, state: State[Any]) -> None:
    """Tell that a run has failed or crashed; Prefect calls it where the run ended, or where its worker saw it die."""
    redaction.install()
    logger = flow_run_logger(flow_run)
    with _never_failing(logger):
        found = _named(flow_run.parameters)
        if found and found[1].notifications.some:
            with get_client(sync_client=True) as client:
                _warn(logger, ended(client, client.read_flow_run(flow_run.id), *found))


def waiting(root: Path, where: Environment, *, key: str, said: str, but: Collection[str] = ()) -> None:
    """Tell that this run waits for somebody's answer to the question with this key, but for whom was told already."""
    plain = said.replace("**", "")
    _of_this_run(root, where, Occasion.WAITING, key=f"waiting-{key}", said=plain, but=but)


def decided(proposal: Proposal, said: str, *, but: Collection[str] = ()) -> None:
    """Tell that somebody has let a plan through a gate of this run, but for whom was told already."""
    key = f"decided-{proposal.gate}-{proposal.plan_digest[:8]}"
    _of_this_run(proposal.root, proposal.environment, Occasion.DECIDED, key=key, said=said, but=but)


def denied(parameters: dict[str, Any], said: str) -> None:
    """Tell that this run was rejected; the retry of a run that stays rejected tells nothing new."""
    if not runs.current().suspends:
        return
    with _never_failing(get_run_logger()):
        if found := _named(parameters):
            key = f"denied-{hashlib.sha256(said.encode()).hexdigest()[:8]}"
            _of_this_run(found[0].root, found[1], Occasion.DENIED, key=key, said=said)


def ended(
    client: SyncPrefectClient, run: FlowRun, operated: Project, where: Environment
) -> list[dict[str, str]]:
    """Tell how a run ended, if it ended badly and nobody has told that of this attempt."""
    occasion, state = occasion_of(run), run.state
    if occasion is None or state is None:
        return []
    # Whom the runbook has told in its own words what it found nobody tells again, the janitor neither.
    to = notices.meant(where, occasion, but=telling.told())
    if to is None:
        return []
    notice = _notice(
        where, occasion, operated.name, run.id, run.name, state.message or "", state.timestamp, to
    )
    board, key = Board(client, run.id), ended_key(run)
    if _is_repeated(client, run):
        notice = notice.model_copy(update={"channels": ()})
    return deliver(board, key, notice, where) if board.put(key, notice) else []


def ended_key(run: FlowRun) -> str:
    """Return under what is kept how an attempt ended: once, whether it is called failed, crashed, or both."""
    return f"ended-{run.run_count}"


def occasion_of(run: FlowRun) -> Occasion | None:
    """Return what people are told of a run that has ended; nothing where it ended well, or has not."""
    state = run.state
    if state is None or not (state.is_failed() or state.is_crashed()):
        return None
    if state.is_crashed():
        return Occasion.CRASHED
    return Occasion.LAPSED if _LAPSED.match(state.message or "") else Occasion.FAILED


def deliver(
    board: Board, key: str, notice: Notice, where: Environment, *, now: datetime | None = None
) -> list[dict[str, str]]:
    """Tell the channels of a notice that have not taken it; without `now` none that was tried before.

    Returns a row for each that was tried.
    """
    known = notices.known(where)
    wanted = [known[each] for each in notice.channels if each in known]
    if not wanted:
        return []
    tell = partial(_delivered, board, key, notice, where, now)
    with ThreadPoolExecutor(max_workers=len(wanted)) as together:
        return [row for row in together.map(tell, wanted) if row]


def _delivered(
    board: Board, key: str, notice: Notice, where: Environment, now: datetime | None, channel: Channel
) -> dict[str, str] | None:
    tries = board.tries(key, channel.id)
    if tries.done:
        return None
    if tries.last and (
        now is None
        or not notices.is_due(tries=tries.count, last=tries.last, failed=tries.why is not None, now=now)
    ):
        return None
    number = tries.count + 1
    if not board.begin(key, channel.id, number):
        return None
    why = channels.send(channel, notice, smtp=where.notifications.smtp)
    board.end(key, channel.id, number, why)
    return {"what": notice.title, "channel": str(channel), "result": why or "told"}


def _of_this_run(
    root: Path, where: Environment, occasion: Occasion, *, key: str, said: str, but: Collection[str] = ()
) -> None:
    to, run = notices.meant(where, occasion, but=but), runs.current()
    if not to or not run.suspends:
        return
    logger = get_run_logger()
    with _never_failing(logger), get_client(sync_client=True) as client:
        name = project.load(root).name
        notice = _notice(where, occasion, name, UUID(run.id), run.name, said, datetime.now(UTC), to)
        board, plain = Board(client, UUID(run.id)), re.sub(r"[^a-z0-9]+", "-", key.lower())
        if board.put(plain, notice):
            rows = deliver(board, plain, notice, where)
            if any(row["result"] != "told" for row in rows):
                tagged = client.read_flow_run(board.run).tags
                client.update_flow_run(board.run, tags={*tagged, UNDELIVERED})
            _warn(logger, rows)


def _notice(
    where: Environment,
    occasion: Occasion,
    operated: str,
    run: UUID,
    name: str,
    said: str,
    at: datetime,
    to: Sequence[Channel],
) -> Notice:
    link = url_for("flow-run", obj_id=run) or ""
    return notices.notice(where, occasion, at=at, project=operated, run=name, said=said, link=link, among=to)


def _named(parameters: dict[str, Any]) -> tuple[Project, Environment] | None:
    path, name = parameters.get("project"), parameters.get("environment")
    if not isinstance(path, str) or not isinstance(name, str):
        return None
    operated = project.load(Path(path))
    return operated, operated.environment(name)


def _is_repeated(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether a schedule started this, and what it started before ended in the same way: that is no new event."""
    if not run.auto_scheduled or run.deployment_id is None or run.expected_start_time is None:
        return False
    before = FlowRunFilterExpectedStartTime.model_validate({"before_": run.expected_start_time})
    earlier = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(expected_start_time=before),
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[run.deployment_id])),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=_EARLIER,
    )
    same = (each for each in earlier if each.id != run.id and each.parameters == run.parameters)
    last = next((each for each in same if each.state and each.state.is_final()), None)
    return last is not None and occasion_of(last) == occasion_of(run) and _gist(last) == _gist(run)


def _gist(run: FlowRun) -> str:
    """Return what a state says, but for its numbers."""
    return re.sub(r"\d+", "#", (run.state.message or "") if run.state else "")


def _warn(logger: Logger | LoggerAdapter[Any], rows: Sequence[dict[str, str]]) -> None:
    for row in rows:
        if row["result"] != "told":
            logger.warning(
                "%s was not told of %r: %s. The janitor tries again.",
                row["channel"],
                row["what"],
                row["result"],
            )


@contextmanager
def _never_failing(logger: Logger | LoggerAdapter[Any]) -> Generator[None]:
    try:
        yield
    except (errors.OpsError, httpx.HTTPError) as error:
        logger.warning("People were not told (%s). The janitor tries again.", type(error).__name__)
