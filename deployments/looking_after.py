"""Say that somebody looks after a run that ended badly, or that waits."""

from __future__ import annotations

from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from deployments import waiting
from ops import errors, secrets
from tasks import matters

_MOST = 200
_OPEN = (StateType.FAILED, StateType.CRASHED, StateType.PAUSED)


def acknowledge(run: str, *, name: str, note: str) -> str:
    """Say that somebody looks after the one run with this id, the beginning of it, or this name; returns what to say.

    Raises:
        Refused: there is no such run, there are several, or it needs nobody.
        Unavailable: the Prefect server does not answer.
    """
    who = name.strip()
    if not who:
        raise errors.Refused("Nobody looks after it without a name. Say --as NAME.")
    with waiting.speaking() as client:
        state = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(_OPEN)))
        found = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(state=state), sort=FlowRunSort.START_TIME_DESC, limit=_MOST
        )
        meant = _meant(found, run)
        try:
            before = matters.acknowledge(client, meant, name=secrets.redact(who), note=secrets.redact(note))
        except LookupError:
            raise errors.Refused(
                f"{meant.name} asks nothing and did not end badly, so it needs nobody."
            ) from None
    if before is not None:
        return f"{before} looks after {meant.name} already."
    return f"{who} looks after {meant.name}, so it goes up no level any more."


def _meant(found: list[FlowRun], run: str) -> FlowRun:
    meant = [each for each in found if str(each.id).startswith(run)] if run else []
    meant = meant or [each for each in found if each.name == run]
    if len(meant) == 1:
        return meant[0]
    if meant:
        ids = ", ".join(str(each.id)[:8] for each in meant[:5])
        raise errors.Refused(
            f"{len(meant)} runs are called {run!r} ({ids}). Say more of the id of one of them."
        )
    raise errors.Refused(
        f"No run that ended badly or waits is called {run!r}, so nothing is to be looked after."
    )
