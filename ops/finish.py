"""The end of a rehearsal: verdict, bundle and hand-off.

Source: staging-rehearsal.md, sections 7 and 8.
"""

from __future__ import annotations

from ops import conclusion, deltas, handoff
from ops.errors import OpsError
from ops.rehearsal import Rehearsing
from ops.verdict import Failure, Rehearsal, Verdict


def hand_off(rehearsing: Rehearsing) -> Rehearsal:
    """Conclude the rehearsal, write its evidence and seal it; tell the manager."""
    found = conclusion.conclude(rehearsing)
    return deposit(rehearsing, found)


def hand_off_broken(rehearsing: Rehearsing, error: OpsError) -> Rehearsal:
    """Write and seal what there is when a step could not do its work."""
    found = conclusion.conclude(rehearsing).model_copy(
        update={
            "ok": False,
            "verdict": Verdict.of(error),
            "summary": str(error),
            "error": Failure(message=str(error)),
        }
    )
    return deposit(rehearsing, found)


def deposit(rehearsing: Rehearsing, found: Rehearsal) -> Rehearsal:
    """Write the whole bundle, seal it, and notify the manager; return the result with the bundle's path."""
    bundle = rehearsing.bundle
    if bundle is None:
        raise ValueError("a rehearsal is handed off into a bundle")
    found = found.model_copy(update={"bundle": str(bundle.path)})
    handoff.write(
        bundle,
        found,
        connectivity=rehearsing.connectivity,
        before=rehearsing.before,
        after=rehearsing.after,
    )
    told = handoff.notify(rehearsing.project, found)
    if not told.ok:
        found = found.model_copy(update={"findings": (*found.findings, told.summary)})
    bundle.write_json(handoff.RESULT, found.published())
    bundle.write_json(deltas.NAME, deltas.of(rehearsing))
    bundle.seal()
    rehearsing.concluded = found
    return found
