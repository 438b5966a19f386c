"""The schedules of the deployments: what prefect.yaml says of them, and what an operator has made of them since.

Prefect deletes all schedules of a deployment when it is deployed again, and makes those of the file anew. So what an
operator has switched on or off, added, changed or removed in the UI would be gone. It is put back here wherever the
file still says what it said at the last deploy; where the file has changed, the file is right.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse

from deployments import installation_folder
from tasks import dead_runs

_PAGE = 200
_AHEAD = timedelta(days=100)
# The schedules of a deployment by when they are due, and whether each is switched on.
Switches = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Next:
    """When a deployment is started next by its schedule."""

    at: datetime
    deployment: str


def deployments(client: SyncPrefectClient) -> dict[str, DeploymentResponse]:
    """Return all deployments by their names, flow first."""
    found: list[DeploymentResponse] = []
    while page := client.read_deployments(limit=_PAGE, offset=len(found)):
        found += page
    flows: dict[UUID, str] = {}
    for each in found:
        if each.flow_id not in flows:
            flows[each.flow_id] = client.read_flow(each.flow_id).name
    return {f"{flows[each.flow_id]}/{each.name}": each for each in found}


def switches(found: dict[str, DeploymentResponse]) -> Switches:
    """Return the schedules of deployments as they are now."""
    return {
        name: {_key(schedule): _kept(schedule) for schedule in each.schedules} for name, each in found.items()
    }


class Kept:
    """What the file said at the last deploy, and, while one is under way, how things were before it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            written: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            written = {}
        self.declared: Switches = written.get("declared") or {}
        self.before: Switches | None = written.get("before")

    def begin(self, now: Switches) -> None:
        """Write down how things are; a deploy that was cut off has done that already, and may have changed them."""
        if self.before is None:
            self.before = now
            self._write()

    def end(self, declared: Switches) -> None:
        """Write down what the file says by now."""
        self.declared, self.before = declared, None
        self._write()

    def _write(self) -> None:
        installation_folder.write(self.path, json.dumps({"declared": self.declared, "before": self.before}))


def put_back(client: SyncPrefectClient, kept: Kept) -> list[str]:
    """Put back what an operator had made of the schedules, and return a line for each that is not as the file says."""
    now = deployments(client)
    declared = switches(now)
    said: list[str] = []
    for name, before in (kept.before or {}).items():
        # What is in no file any more, Prefect leaves as it was.
        if name in now and name in declared:
            base = kept.declared.get(name, declared[name])
            said += _put_back(client, now[name], name, base, before, declared[name])
    kept.end(declared)
    return said


def coming(client: SyncPrefectClient, *, most: int) -> list[Next]:
    """Return what the schedules that are switched on will start next, the soonest first."""
    now = datetime.now(UTC)
    found = [
        Next(due[0], name)
        for name, each in deployments(client).items()
        for schedule in each.schedules
        if schedule.active and not each.paused
        if (due := dead_runs.due_times(schedule.schedule.model_dump(), since=now, until=now + _AHEAD))
    ]
    return sorted(found, key=lambda each: each.at)[:most]


def _put_back(
    client: SyncPrefectClient,
    deployment: DeploymentResponse,
    name: str,
    base: dict[str, dict[str, Any]],
    before: dict[str, dict[str, Any]],
    declared: dict[str, dict[str, Any]],
) -> Iterator[str]:
    there = {_key(schedule): schedule for schedule in deployment.schedules}
    for key in sorted({*base, *before, *declared}):
        was, said, says = before.get(key), base.get(key), declared.get(key)
        if was in (said, says):
            continue
        called = f"{name}: {_called(key)}"
        if says != said:
            yield f"{called} is {_word(says)} by now, as the file says; it was {_word(was)}."
        elif was is None:
            client.delete_deployment_schedule(deployment.id, there[key].id)
            yield f"{called} stays removed; the file has it."
        elif says is None:
            client.create_deployment_schedules(deployment.id, [DeploymentScheduleCreate.model_validate(was)])
            yield f"{called} stays {_word(was)}; it is not in the file."
        else:
            active, parameters = was["active"], was["parameters"]
            client.update_deployment_schedule(
                deployment.id, there[key].id, active=active, parameters=parameters
            )
            yield f"{called} stays {_word(was)}, as an operator has set it; the file says {_word(says)}."


def _word(schedule: dict[str, Any] | None) -> str:
    if schedule is None:
        return "removed"
    return "on" if schedule["active"] else "off"


def _key(schedule: DeploymentSchedule) -> str:
    plain = schedule.schedule.model_dump(mode="json", exclude_none=True)
    # Prefect gives an interval the moment at which it was deployed.
    plain.pop("anchor_date", None)
    return json.dumps([schedule.slug, plain], sort_keys=True)


def _called(key: str) -> str:
    slug, plain = json.loads(key)
    return slug or str(plain.get("cron") or plain.get("rrule") or f"every {plain.get('interval')} s")


def _kept(schedule: DeploymentSchedule) -> dict[str, Any]:
    fields = {"schedule", "active", "parameters", "slug", "max_scheduled_runs"}
    return schedule.model_dump(mode="json", include=fields)
