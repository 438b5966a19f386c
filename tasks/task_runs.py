"""A step inside a Prefect flow run: a task run that is named and that shows its evidence."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, cast

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging import get_run_logger
from prefect.logging.loggers import LoggingAdapter
from prefect.states import Completed, Failed

from ops import markdown, redaction, secrets
from ops.evidence import Evidence
from tasks.step import DELAYS, Runnable, observing

ROWS_SHOWN = 500
# An artifact costs five times what a task run costs, and nobody opens the fiftieth of a kind that is fine.
ARTIFACTS_SHOWN = 50
LONG = 10.0

# A parameter would be searched for futures, all the way down; a plan of a thousand files makes that slow.
_call: ContextVar[Runnable] = ContextVar("call")
_shown: defaultdict[object, Iterator[int]] = defaultdict(itertools.count)


def run(call: Runnable, *, name: str) -> None:
    """Run `call` as a task run whose state message is the evidence's sentence."""
    redaction.install()
    token = _call.set(call)
    try:
        _task(name)(return_state=True)
    finally:
        _call.reset(token)


@cache
def _task(name: str) -> Task[[], State[Any]]:
    return Task(
        _attempt,
        name=name,
        task_run_name=lambda: _call.get().title,
        cache_policy=NO_CACHE,
        persist_result=False,
        # One more than is ever used: Prefect logs an empty traceback when a returned state exhausts them.
        retries=len(DELAYS) + 1,
        retry_delay_seconds=list(DELAYS),
        retry_condition_fn=_may_retry,
    )


def _attempt() -> State[Any]:
    call = _call.get()
    logger = get_run_logger()
    logger.info(call.title)
    with _saying_that_it_runs(logger):
        call.attempt(_publish_a_few)
    state = _state(call)
    logger.log(logging.INFO if state.is_completed() else logging.ERROR, state.message)
    return state


class _Latest:
    """The title of the step that has begun last: a turn has several, and a line in the log for each would cost."""

    title = ""

    def started(self, title: str) -> None:
        self.title = title

    def finished(self, title: str, evidence: Evidence | None, seconds: float) -> None: ...
    def failed(self, title: str, error: Exception, seconds: float) -> None: ...


def _state(call: Runnable) -> State[Any]:
    if call.error:
        return Failed(message=f"{type(call.error).__name__}: {call.error}")
    if call.evidence is None:
        return Completed(message="Done.")
    summary = secrets.redact(call.evidence.summary)
    return Completed(message=summary) if call.evidence.ok else Failed(message=summary)


def _may_retry(_task: object, run: Any, _state: object) -> bool:
    return _call.get().may_retry and run.run_count <= len(DELAYS)


@contextmanager
def _saying_that_it_runs(logger: logging.Logger | LoggingAdapter) -> Generator[None]:
    """Log that a long step goes on, after 10, 30, 70, ... seconds."""
    ended, latest = threading.Event(), _Latest()

    def say() -> None:
        began, wait = time.monotonic(), LONG
        while not ended.wait(wait):
            logger.info("Still running after %.0f s: %s", time.monotonic() - began, latest.title)
            wait *= 2

    threading.Thread(target=say, daemon=True).start()
    try:
        with observing(latest):
            yield
    finally:
        ended.set()


def _publish_a_few(key: str, evidence: Evidence, document: str | None) -> None:
    flow = FlowRunContext.get()
    shown = _shown[(flow and flow.flow_run and flow.flow_run.id, key)]
    if next(shown) < ARTIFACTS_SHOWN or not evidence.ok:
        publish(key, evidence, document)


def publish(key: str, evidence: Evidence, document: str | None = None) -> None:
    """Show `evidence` in Prefect under `key`: as its document, its rows as a table, or its facts as Markdown."""
    kind, data = _data(evidence, document)
    client, run_ids = _here()
    if document is not None:
        # Then it stands above all the others on the page of the run.
        run_ids["task_run_id"] = None
    artifact = ArtifactCreate(
        key=key, type=kind, data=data, description=secrets.redact(_description(evidence)), **run_ids
    )
    client.create_artifact(artifact)


def _data(evidence: Evidence, document: str | None) -> tuple[str, str]:
    if document is not None:
        return "markdown", secrets.redact(document)
    return _table(evidence) if evidence.rows else ("markdown", _markdown(evidence))


def _here() -> tuple[SyncPrefectClient, dict[str, Any]]:
    """The run's own client: a new one for each artifact would cost a connection each."""
    task, flow = TaskRunContext.get(), FlowRunContext.get()
    ids = {
        "task_run_id": task and task.task_run.id,
        "flow_run_id": flow and flow.flow_run and flow.flow_run.id,
    }
    return cast(SyncPrefectClient, task and task.client), ids


def _description(evidence: Evidence) -> str:
    more = len(evidence.rows) - ROWS_SHOWN
    return evidence.summary + (f" ({more} more rows stand in the evidence bundle.)" if more > 0 else "")


def _table(evidence: Evidence) -> tuple[str, str]:
    rows = [{name: _cell(value) for name, value in row.items()} for row in evidence.rows[:ROWS_SHOWN]]
    return "table", json.dumps(rows)


def _cell(value: object) -> str | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return secrets.redact(text)


def _markdown(evidence: Evidence) -> str:
    """What later steps need (a whole plan, a migration's script) is not for a reader: only single facts are shown."""
    facts = evidence.model_dump(mode="json", exclude={"ok", "summary", "rows"}, exclude_defaults=True)
    rows = [(name.replace("_", " "), v) for name, v in facts.items() if isinstance(v, str | int | float)]
    return secrets.redact("\n".join((evidence.summary, "", *markdown.table(("what", "found"), rows))).strip())
