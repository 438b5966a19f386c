"""A run that is written down as it goes: its bundle, the log of its attempts, and its end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ops import attempts, bundle, errors
from ops.bundle import Bundle
from ops.evidence import Evidence
from tasks import runs
from tasks.step import observing


class Recordable(Protocol):
    """What a run's steps share: where its evidence goes, and how it ended, once it has."""

    bundle: Bundle | None

    @property
    def concluded(self) -> Any: ...


R = TypeVar("R", bound=Recordable)


@contextmanager
def recorded(
    opening: Callable[[str], AbstractContextManager[R]],
    *,
    kind: str,
    out: Path,
    named: str = "",
    broken: Callable[[R, errors.OpsError], Evidence] | None = None,
) -> Generator[R]:
    """Open what a run is about, with a bundle of this kind; whatever ends the block, the bundle is sealed.

    `opening` is given the run's name, which begins with `named` (default: the kind) outside Prefect; `broken` hands off
    what there is when a step could not do its work.
    """
    run = runs.current(named or kind)
    kept = bundle.open_bundle(out, kind=kind, started=datetime.now(UTC), run=run.id, attempt=run.attempt)
    with attempts.kept(kept) as log, observing(log):
        try:
            with opening(run.name) as state:
                state.bundle = kept
                yield from _handed_off(state, broken)
        finally:
            kept.seal()


def _handed_off(state: R, broken: Callable[[R, errors.OpsError], Evidence] | None) -> Generator[R]:
    try:
        yield state
    except errors.OpsError as error:
        if broken and not state.concluded:
            # Where that cannot be written either, what ended the run is still what there is to say.
            with suppress(errors.OpsError):
                error.evidence = broken(state, error)
        raise
