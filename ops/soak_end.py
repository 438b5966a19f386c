"""The end of a run that looked at a soak: the verdict in its bundle, and word to the manager."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ops import errors, secrets, telling, webhook
from ops.soak import Soaked, Soaking
from ops.soak_record import Soak

RESULT = "soak.json"
_TOLD_WITHIN = timedelta(seconds=10)


def hand_off(soaking: Soaking) -> Soaked:
    """Write the verdict into the bundle, and tell the manager where a soak failed or lost its time."""
    plan, found = soaking.plan, soaking.record
    if found is None:
        raise errors.CheckFailed(
            "The soak was not written down by this run or another, so there is no verdict."
        )
    told = _tell(soaking, found) if soaking.news else ""
    result = Soaked(
        ok=found.verdict != "failed",
        summary=f"{plan.project.name} on {plan.environment.name}: {found.verdict}, {found.said}.",
        rows=tuple({"what": name, "said": str(said)} for name, said in published(found).items()),
        idle=soaking.over,
        record=found,
        told=told,
        bundle=str(soaking.bundle.path) if soaking.bundle else None,
    )
    if soaking.bundle:
        soaking.bundle.write_json(RESULT, published(found))
        soaking.bundle.seal()
    soaking.concluded = result
    return result


def published(found: Soak) -> dict[str, Any]:
    """Return what `soak.json` holds, by which a promotion knows whether a change has soaked."""
    plain = found.model_dump(mode="json", exclude={"looks", "began_at", "ended_at", "last_at"})
    last = found.looks[-1]
    return {
        **plain,
        "began": found.began_at.isoformat(),
        "ended": found.ended_at.isoformat() if found.ended_at else None,
        "last_look": found.last_at.isoformat(),
        "looks": len(found.looks),
        "new_records": last.new_records,
        "not_watched": [rule.name for rule in last.having("unwatched")],
        "rules": [rule.model_dump(mode="json") for rule in last.rules],
    }


def _tell(soaking: Soaking, found: Soak) -> str:
    plan = soaking.plan
    if plan.project.manager is None:
        return "No manager webhook is configured, so nobody was told."
    where = f"{plan.project.name} on {plan.environment.name}"
    lines = [f"SOAK {found.verdict.upper()}: {where}.", *(f"• {said}" for said in soaking.news)]
    lines += [f"Evidence: {soaking.bundle.path}"] if soaking.bundle else []
    escaped = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    answer = webhook.tell("manager", plan.project.manager, secrets.redact(escaped), timeout=_TOLD_WITHIN)
    telling.mark([plan.project.manager] if answer.ok else [])
    return answer.summary
