"""How far a run has come with many like things, shown in the Prefect UI."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar, cast

from ops import secrets
from tasks import step

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.context import FlowRunContext

T = TypeVar("T")
# Seconds; an artifact costs as much as a short step.
_EVERY = 1.0


def through(items: Sequence[T], what: str) -> Iterator[T]:
    """Yield each item; in a Prefect flow run a progress artifact says how many are done."""
    run = step.flow_run()
    shown = _Shown(run, what, len(items)) if run and items else None
    for number, item in enumerate(items):
        if shown:
            shown.at(number)
        yield item
    if shown:
        shown.at(len(items))


def over(what: str) -> Callable[[timedelta, timedelta, str], None]:
    """Return what is told how much of a time has passed; in a Prefect flow run a progress artifact shows it."""
    run = step.flow_run()
    shown: list[_Shown] = []

    def say(done: timedelta, whole: timedelta, _said: str) -> None:
        if run is None or not whole:
            return
        if not shown:
            shown.append(_Shown(run, f"s of {what}", round(whole.total_seconds())))
        shown[0].at(round(done.total_seconds()))

    return say


def counted() -> Callable[[int, int, str], None]:
    """Return what is told how much is done of how much of what; in a Prefect flow run a progress artifact shows it."""
    run = step.flow_run()
    shown: dict[str, _Shown] = {}

    def say(done: int, whole: int, what: str) -> None:
        if run is None or not whole:
            return
        if what not in shown:
            shown[what] = _Shown(run, what, whole)
        shown[what].at(done)

    return say


class _Shown:
    """The artifact of one run; where the server does not take it the run goes on without."""

    def __init__(self, run: FlowRunContext, what: str, total: int) -> None:
        self._run = run
        self._what = what
        self._total = total
        self._artifact: UUID | None = None
        self._written = 0.0

    def at(self, done: int) -> None:
        if done < self._total and time.monotonic() - self._written < _EVERY:
            return
        import httpx
        from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

        with contextlib.suppress(httpx.HTTPError, PrefectHTTPStatusError, ObjectNotFound):
            self._write(100.0 * done / max(1, self._total), f"{done} of {self._total} {self._what}")
        self._written = time.monotonic()

    def _write(self, percent: float, said: str) -> None:
        from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate

        client = cast("SyncPrefectClient", self._run.client)
        description = secrets.redact(said)
        if self._artifact:
            client.update_artifact(self._artifact, ArtifactUpdate(data=percent, description=description))
        else:
            new = ArtifactCreate(key="progress", type="progress", data=percent, description=description)
            new.flow_run_id = self._run.flow_run and self._run.flow_run.id
            self._artifact = client.create_artifact(new).id
