"""The seed around a branch: the base's rows, over which the branch's migrations run, and then the branch's own seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops import chain, errors, pull_request_base, shape, sowing
from ops.evidence import Evidence

if TYPE_CHECKING:
    from ops.pull_request import Gating

_UNSOWN = "unsown"


def sow_base(gating: Gating) -> Evidence:
    """Sow the base's seed, as it is there, so that what the branch adds runs over rows.

    Raises:
        Refused: the base's configuration has a mistake.
    """
    away = gating.away
    if away is None or not away.shaped:
        return Evidence(ok=True, summary="No seed: a copy of a template has its own rows.", idle=True)
    with pull_request_base.checked_out(gating.project.root, gating.gate.branch.base_commit or "") as then:
        if not sowing.has_files(then):
            return Evidence(
                ok=True, summary="The base has no seed file, so the migrations run over few rows.", idle=True
            )
        away.databases.copy(away.databases.checkpoint, _UNSOWN)
        gating.unsown = dict(gating.rows_at_start)
        found = sowing.sow(gating.target, then)
        gating.findings += shape.make_buckets(gating.target.observer, then)
    if not found.ok:
        gating.findings.append(f"On the base: {found.summary}")
    away.checkpoint()
    gating.begin()
    return found


def sow_branch(gating: Gating) -> Evidence:
    """Sow the branch's seed on what is made without the base's rows, as `supabase db reset` does.

    Raises:
        CheckFailed: what applied over the base's rows does not apply without them.
    """
    if gating.unsown is not None and gating.away and not gating.stopped:
        _without_rows(gating)
    return chain.sow_seed(gating)


def _without_rows(gating: Gating) -> None:
    away = gating.away
    if away is None:
        raise ValueError("a branch is judged on a throw-away database")
    gating.target.close()
    away.databases.copy(_UNSOWN, away.databases.checkpoint)
    away.since = [m for m in gating.pending if m.file in gating.applied]
    try:
        away.rebuild()
    except errors.CheckFailed as error:
        raise errors.CheckFailed(
            f"On a database without the base's seed, as `supabase db reset` makes one: {error}"
        ) from None
    gating.rows_at_start = gating.unsown or {}
