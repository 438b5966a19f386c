"""The keys of one prefix unlinked in batches, looked at again, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from ops import errors, redis_keys
from ops.evidence import Evidence
from ops.redis_clear import GATE, Clearing, asking, looked
from ops.verdict import Verdict

_AT_ONCE = 500
# While the app writes on there is always one more; the end is looked at afterwards.
_PASSES = 5
_UNSAID = 5
Progress = Callable[[int, int, str], None]


class Cleared(Evidence):
    """What was cleared, and what lay beside it before and after."""

    verdict: Verdict
    runbook: Literal["redis-clear"] = GATE
    project: str
    environment: str
    prefix: str
    reason: str = ""
    plan_digest: str
    found: int
    unlinked: int
    left: int | None = None
    before: dict[str, int] = Field(default_factory=dict[str, int])
    after: dict[str, int] = Field(default_factory=dict[str, int])
    bundle: str | None = None


def clear(clearing: Clearing, say: Progress) -> Evidence:
    """Unlink the keys of the prefix, some at a time; safe to run twice, and to break off.

    Raises:
        Refused: Redis does not let this login.
        Unavailable: Redis does not answer; what was unlinked is gone.
    """
    prefix = clearing.plan.prefix
    with asking("to unlink keys"):
        for _ in range(_PASSES):
            before = clearing.unlinked
            for keys in redis_keys.batches(clearing.client, prefix, at_once=_AT_ONCE):
                clearing.unlinked += clearing.client.unlink(*keys)
                say(min(clearing.unlinked, clearing.found), clearing.found, f"keys of {prefix}")
            if clearing.unlinked == before:
                break
    return Evidence(ok=True, summary=f"Unlinked {clearing.unlinked} keys that began with {prefix}.")


def verify(clearing: Clearing) -> Evidence:
    """Look again: nothing may begin with the prefix, and what lay beside it must be there.

    Keys beside it come and go while the app runs; what does not expire and all of what another prefix had stay.

    Raises:
        Refused: Redis does not let this login.
        Unavailable: Redis does not answer.
    """
    with asking("to look at what is left"):
        left, clearing.after = looked(clearing)
        lasting = clearing.beside.lasting
        there = sum(clearing.client.exists(key) for key in lasting)
    before, after = clearing.beside.counts, clearing.after.counts
    problems = [f"{left} keys begin with {clearing.plan.prefix}: does the app still write?"] if left else []
    problems += [
        f"All {count} keys of {prefix} are gone, which this run has not touched."
        for prefix, count in before.items()
        if count >= _UNSAID and not after.get(prefix)
    ]
    if 2 * there < len(lasting):
        problems.append(f"Only {there} of {len(lasting)} lasting keys beside the prefix are still there.")
    clearing.left = left
    well = (
        f"No key begins with {clearing.plan.prefix}; beside it {there} of {len(lasting)} keys that do not expire "
        "are still there."
    )
    rows = tuple(
        {"prefix": prefix, "before": count, "after": after.get(prefix, 0)} for prefix, count in before.items()
    )
    return Evidence(ok=not problems, summary=" ".join(problems) or well, rows=rows)


def conclude(clearing: Clearing) -> Cleared:
    """Write down how it ended, and seal the evidence."""
    prefix = clearing.plan.prefix
    said = (
        f"cleared and verified: {clearing.unlinked} keys that began with {prefix}."
        if clearing.unlinked
        else f"no key began with {prefix}; nothing was cleared."
    )
    return _written(clearing, Verdict.PASSED, said)


def conclude_broken(clearing: Clearing, error: errors.OpsError) -> Cleared:
    """Write down why it did not end well, and how much was cleared before."""
    stays = f"{clearing.unlinked} keys were cleared before." if clearing.unlinked else "Nothing was cleared."
    return _written(clearing, Verdict.of(error), f"{error} {stays}")


def _written(clearing: Clearing, verdict: Verdict, said: str) -> Cleared:
    plan = clearing.plan
    found = Cleared(
        ok=verdict is Verdict.PASSED,
        idle=not clearing.unlinked,
        summary=f"{plan.project.name} on {plan.environment.name}: {said}",
        verdict=verdict,
        project=plan.project.name,
        environment=plan.environment.name,
        prefix=plan.prefix,
        reason=plan.reason,
        plan_digest=clearing.digest,
        found=clearing.found,
        unlinked=clearing.unlinked,
        left=clearing.left,
        before=clearing.beside.counts,
        after=clearing.after.counts if clearing.after else {},
        bundle=str(clearing.bundle.path) if clearing.bundle else None,
    )
    clearing.concluded = found
    if clearing.bundle:
        clearing.bundle.write_json(
            f"{GATE}.json", found.model_dump(mode="json", exclude={"rows", "idle", "ok"})
        )
        clearing.bundle.seal()
    return found
