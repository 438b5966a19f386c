"""The schedules of prefect.yaml through a real Prefect: in their time zone, as the clocks are changed, and in fact."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.states import Completed

from deployments.stack import Stack
from ops import bundle
from tasks import dead_runs
from tests import fix_stack, projects
from tests.fix_stack import Desk
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
ZONE = ZoneInfo("Europe/Berlin")
NAME = "berlin"
DAY = timedelta(days=1)
Planned = tuple[str, datetime, list[tuple[DeploymentResponse, list[FlowRun]]]]
# The second of them is in the hour that is left out in spring and comes twice in autumn.
NIGHTS = {"15 1 * * *", "0 2 * * *", "15 3 * * *", "0 6 * * *", "15 6 * * 1"}


def scheduled() -> list[dict[str, Any]]:
    """Return the deployments of prefect.yaml that have a schedule."""
    found = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    return [each for each in found if each.get("schedules")]


def changes() -> tuple[datetime, datetime]:
    """Return the next two moments at which the clocks are changed, that of spring first."""
    hours = [
        datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=n)
        for n in range(24 * 370)
    ]
    found = {
        later.astimezone(ZONE).utcoffset(): later
        for before, later in reversed(list(pairwise(hours)))
        if before.astimezone(ZONE).utcoffset() != later.astimezone(ZONE).utcoffset()
    }
    spring, autumn = found[timedelta(hours=2)], found[timedelta(hours=1)]
    return spring, autumn


@pytest.fixture(scope="module")
def client(stack: Stack) -> Generator[SyncPrefectClient]:
    with stack.client() as client:
        yield client


@pytest.fixture(scope="module")
def berlin(
    stack: Stack, client: SyncPrefectClient, tmp_path_factory: pytest.TempPathFactory
) -> Generator[list[DeploymentResponse]]:
    """The nightly and weekly runbooks of prefect.yaml, switched on in Berlin's time, where no worker takes them up."""
    client.create_work_pool(WorkPoolCreate(name="nobody", type="process"))
    chosen = [each for each in scheduled() if each["schedules"][0]["cron"] in NIGHTS]
    assert {each["schedules"][0]["cron"] for each in chosen} == NIGHTS
    for each in chosen:
        each |= {"name": NAME, "work_pool": {"name": "nobody"}}
        each["schedules"][0] |= {"timezone": ZONE.key, "active": True}
    text = yaml.safe_dump(
        {**yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8")), "deployments": chosen}
    )
    file = tmp_path_factory.mktemp("berlin") / "prefect.yaml"
    file.write_text(text, "utf-8")
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    subprocess.run(command, cwd=stack.root, env=stack.environment, check=True, capture_output=True)
    named = DeploymentFilter(name=DeploymentFilterName(any_=[NAME]))
    made = client.read_deployments(deployment_filter=named)
    assert len(made) == len(chosen)
    yield made
    for each in made:
        client.delete_deployment(each.id)
    client.delete_work_pool("nobody")


def plan(client: SyncPrefectClient, found: DeploymentResponse, change: datetime) -> list[FlowRun]:
    """Let the server plan the days around a change as its scheduler does: again and again, from its now on."""
    began = change - 3 * DAY
    for hours in range(0, 6 * 24, 6):
        window = {
            "start_time": (began + timedelta(hours=hours)).isoformat(),
            "end_time": (began + 8 * DAY).isoformat(),
        }
        answer = client.request("POST", f"/deployments/{found.id}/schedule", json={**window, "min_runs": 3})
        answer.raise_for_status()
    expected = FlowRunFilterExpectedStartTime.model_validate({"after_": began, "before_": began + 8 * DAY})
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(expected_start_time=expected),
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[found.id])),
    )


@pytest.fixture(scope="module", params=["spring", "autumn"])
def planned(
    request: pytest.FixtureRequest, client: SyncPrefectClient, berlin: list[DeploymentResponse]
) -> Planned:
    """A season, when the clocks are changed in it, and what is planned then."""
    change = changes()[request.param == "autumn"]
    return request.param, change, [(found, plan(client, found, change)) for found in berlin]


def test_when_the_clocks_are_changed_each_day_has_its_run_once_and_at_its_time(planned: Planned):
    season, _, by_deployment = planned
    for found, runs in by_deployment:
        cron = found.schedules[0].schedule.cron  # pyright: ignore
        minute, hour, *_, weekday = cron.split()
        at = [run.expected_start_time.astimezone(ZONE) for run in runs if run.expected_start_time]
        days = Counter(each.date() for each in at)
        assert set(days.values()) == {1}, (cron, sorted(at))
        if weekday == "*":
            first, last = min(days), max(days)
            assert len(days) == (last - first).days + 1 >= 7, (cron, sorted(at))
        else:
            assert {each.isoweekday() for each in days} == {int(weekday)}
        said = time(int(hour), int(minute))
        # Two o'clock is left out in spring: then it is the hour before, and none is lost.
        odd = {each for each in at if each.time() != said}
        left_out = season == "spring" and said.hour == 2
        assert [each.strftime("%H:%M%z") for each in odd] == (["01:00+0100"] if left_out else []), cron


def test_what_the_janitor_expects_is_what_the_server_has_planned(client: SyncPrefectClient, planned: Planned):
    _, change, by_deployment = planned
    for found, runs in by_deployment:
        known = {run.expected_start_time: run for run in runs}
        for now in (change + timedelta(hours=hours) for hours in range(0, 49, 16)):
            due = {
                each
                for each in known
                if each and now - timedelta(hours=26) <= each <= now - timedelta(minutes=15)
            }
            missed = {at for _, at in dead_runs.missed(client, found, now)}
            assert missed == due, now
        if due:
            client.set_flow_run_state(known[max(due)].id, Completed(), force=True)
            missed = {at for _, at in dead_runs.missed(client, found, now)}
            assert missed == due - {max(due)}


def test_when_a_schedule_is_due_can_be_asked_within_an_event_loop():
    plain = {"cron": "0 6 * * *", "timezone": ZONE.key}
    at = datetime(2027, 1, 1, tzinfo=UTC)

    async def ask() -> list[datetime]:
        return dead_runs.due_times(plain, since=at, until=at + DAY)

    # In a thread, since a browser of another test may have left its loop here.
    with ThreadPoolExecutor(1) as apart:
        assert apart.submit(asyncio.run, ask()).result() == [datetime(2027, 1, 1, 5, tzinfo=UTC)]


def test_every_schedule_names_its_time_zone():
    named = [schedule.get("timezone") for each in scheduled() for schedule in each["schedules"]]
    assert all(named)


def test_a_schedule_of_every_minute_fires_and_nobody_misses_it(
    desk: Desk, client: SyncPrefectClient, tmp_path: Path
):
    project = projects.write(tmp_path / "app", migrations={}, config="[environments.production]\n")
    parameters = {"project": str(project), "environment": "production"}
    made = fix_stack.copied(client, "janitor/production", "every-minute", **parameters)
    client.create_deployment_schedules(made, [(CronSchedule(cron="* * * * *", timezone=ZONE.key), True)])
    try:
        of = DeploymentFilter(id=DeploymentFilterId(any_=[made]))

        def passed() -> list[FlowRun]:
            found = client.read_flow_runs(deployment_filter=of)
            return [run for run in found if run.state and run.state.is_completed()]

        wait_until(lambda: bool(passed()), seconds=240, pause=1)
        (run, *_) = passed()
        assert run.auto_scheduled
        assert run.expected_start_time
        assert run.start_time
        assert run.expected_start_time.second == 0
        # A worker takes what is due within the next seconds, so that it may begin a moment early.
        assert abs(run.start_time - run.expected_start_time) < timedelta(minutes=1)
        assert bundle.of_run(project, str(run.id)) is not None
        found = client.read_deployment(made)
        assert (
            list(dead_runs.missed(client, found, run.expected_start_time + timedelta(minutes=15, seconds=5)))
            == []
        )
    finally:
        client.delete_deployment(made)


def test_a_nightly_and_a_weekly_runbook_fire_at_their_time_of_their_zone(
    desk: Desk, client: SyncPrefectClient, tmp_path: Path
):
    project = projects.write(tmp_path / "app", migrations={}, config="[environments.production]\n")
    parameters = {"project": str(project), "environment": "production"}
    # As the hour of Berlin is neither this machine's nor that of UTC, a cron that is read in another zone fires never.
    due = (datetime.now(ZONE) + timedelta(minutes=2)).replace(second=0, microsecond=0)
    crons = {
        "nightly-eval/production": f"{due.minute} {due.hour} * * *",
        "weekly-checks/production": f"{due.minute} {due.hour} * * {due.isoweekday() % 7}",
    }
    made = [fix_stack.copied(client, runbook, "due-soon", **parameters) for runbook in crons]
    for each, cron in zip(made, crons.values(), strict=True):
        client.create_deployment_schedules(each, [(CronSchedule(cron=cron, timezone=ZONE.key), True)])
    try:

        def begun(deployment: UUID) -> list[FlowRun]:
            of = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
            return [run for run in client.read_flow_runs(deployment_filter=of) if run.start_time]

        wait_until(lambda: all(map(begun, made)), seconds=300, pause=1)
        for each in made:
            (run,) = begun(each)
            assert run.auto_scheduled
            assert run.start_time
            assert run.expected_start_time == due
            assert abs(run.start_time - due) < timedelta(minutes=1)
            desk.wait_for(run.id, "Completed", "Failed")
    finally:
        for each in made:
            client.delete_deployment(each)
