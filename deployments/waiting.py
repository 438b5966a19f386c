"""The runs that wait for a person: what each asks, and an answer to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.utilities.urls import url_for

from ops import errors

_MOST = 200


@dataclass(frozen=True)
class Waiting:
    """A run and its question, as Markdown; `fields` are those of its form."""

    run: UUID
    name: str
    question: str
    fields: tuple[str, ...]
    page: str


def find() -> list[Waiting]:
    """Return the runs that wait, the longest waiting first.

    Raises:
        Unavailable: the Prefect server does not answer.
    """
    paused = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    with speaking() as client:
        runs = client.read_flow_runs(flow_run_filter=paused, limit=_MOST)
        return list(_asking(client, sorted(runs, key=_since)))


def of(run: str) -> Waiting:
    """Return the one run that waits and has this id, the beginning of it, or this name.

    Raises:
        Refused: there is none, or there are several.
        Unavailable: the Prefect server does not answer.
    """
    found = find()
    meant = [one for one in found if str(one.run).startswith(run) or one.name == run]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise errors.Refused(
            f"{len(meant)} runs that wait are called {run!r}. Say more of the id of one of them."
        )
    waits = ", ".join(f"{str(one.run)[:8]} ({one.name})" for one in found)
    raise errors.Refused(f"No run that waits is called {run!r}; {waits or 'none waits'}.")


def answer(waiting: Waiting, said: Mapping[str, str]) -> None:
    """Fill in a run's form; the run itself judges the answer when its worker takes it up.

    Raises:
        Refused: the server does not take the answer, and says why.
        Unavailable: the Prefect server does not answer.
    """
    with speaking() as client:
        given = client.resume_flow_run(waiting.run, run_input=dict(said))
    if given.status.value != "ACCEPT":
        raise errors.Refused(
            f"The answer was not taken: {getattr(given.details, 'reason', 'the run does not wait any more')}."
        )


def _asking(client: SyncPrefectClient, runs: list[FlowRun]) -> Iterator[Waiting]:
    for run in runs:
        keys = run.state.state_details.run_input_keyset if run.state else None
        if not keys:
            continue
        stored = client.filter_flow_run_input(run.id, "", _MOST, set())
        inputs = {one.key: one.decoded_value for one in stored}
        schema = cast("dict[str, dict[str, Any]]", inputs.get(keys["schema"]) or {})
        yield Waiting(
            run.id,
            run.name,
            str(inputs.get(keys.get("description", ""), "")),
            tuple(schema.get("properties", {})),
            url_for("flow-run", obj_id=run.id) or "",
        )


def _since(run: FlowRun) -> Any:
    return run.state.timestamp if run.state else run.expected_start_time


class speaking:
    """A client of the Prefect server that the user has set, whose errors are ours."""

    def __init__(self) -> None:
        self._client = get_client(sync_client=True)

    def __enter__(self) -> SyncPrefectClient:
        return self._client.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._client.__exit__(kind, error, trace)
        if isinstance(error, httpx.TransportError):
            raise errors.Unavailable(
                "The Prefect server does not answer, so nothing is known of its runs. Set PREFECT_API_URL."
            ) from None
        if isinstance(error, ObjectNotFound):
            raise errors.Refused("The run is gone, so it cannot be answered.") from None
        if isinstance(error, PrefectHTTPStatusError):
            raise errors.Unavailable(
                f"The Prefect server says {error.response.status_code}. Try again."
            ) from None
