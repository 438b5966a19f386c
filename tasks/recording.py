"""A rehearsal that is written down as it goes: its bundle, the log of its attempts, and its end."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ops import attempts, bundle, errors, finish, note, rehearsal
from ops.plan import Plan
from ops.rehearsal import Rehearsing
from tasks import runs
from tasks.step import observing, step

hand_off_broken = step(
    finish.hand_off_broken,
    title="Hand off what there is",
    evidence="broken-off",
    stops=False,
    retry=False,
    shown=note.markdown,
)


@contextmanager
def opened(plan: Plan) -> Generator[Rehearsing]:
    """Open the plan's database and the run's bundle; whatever ends the block, the bundle is sealed."""
    run = runs.current()
    kept = bundle.open_bundle(
        Path(plan.out), kind="rehearsal", started=datetime.now(UTC), run=run.id, attempt=run.attempt
    )
    with attempts.kept(kept) as log, observing(log):
        try:
            with rehearsal.opened(plan, run.name) as rehearsing:
                rehearsing.bundle = kept
                yield from _sealed(rehearsing)
        finally:
            kept.seal()


def _sealed(rehearsing: Rehearsing) -> Generator[Rehearsing]:
    try:
        yield rehearsing
    except errors.OpsError as error:
        if not rehearsing.concluded:
            error.evidence = hand_off_broken(rehearsing, error)
        raise
