"""A rehearsal that is written down as it goes: its bundle, the log of its attempts, and its end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ops import attempts, bundle, errors, finish, note, rehearsal
from ops.plan import Plan
from ops.rehearsal import Rehearsing
from ops.verdict import Rehearsal
from tasks import runs
from tasks.step import observing, step

P = TypeVar("P", bound=Plan)
R = TypeVar("R", bound=Rehearsing)

hand_off_broken = step(
    finish.hand_off_broken,
    title="Hand off what there is",
    evidence="broken-off",
    stops=False,
    retry=False,
    shown=note.markdown,
)


def opened(plan: Plan) -> AbstractContextManager[Rehearsing]:
    """Open the plan's database and the run's bundle; whatever ends the block, the bundle is sealed."""
    return recorded(plan, rehearsal.opened, kind="rehearsal", broken=hand_off_broken)


@contextmanager
def recorded(
    plan: P,
    opening: Callable[[P, str], AbstractContextManager[R]],
    *,
    kind: str,
    broken: Callable[[R, errors.OpsError], Rehearsal],
) -> Generator[R]:
    """Open what a plan is carried out on, with a bundle of this kind; `broken` hands off what broke off."""
    run = runs.current()
    kept = bundle.open_bundle(
        Path(plan.out), kind=kind, started=datetime.now(UTC), run=run.id, attempt=run.attempt
    )
    with attempts.kept(kept) as log, observing(log):
        try:
            with opening(plan, run.name) as rehearsing:
                rehearsing.bundle = kept
                yield from _sealed(rehearsing, broken)
        finally:
            kept.seal()


def _sealed(rehearsing: R, broken: Callable[[R, errors.OpsError], Rehearsal]) -> Generator[R]:
    try:
        yield rehearsing
    except errors.OpsError as error:
        if not rehearsing.concluded:
            error.evidence = broken(rehearsing, error)
        raise
