"""prefect.yaml deployed so that what an operator has made of the schedules stays: here, or on the team's own server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient

from deployments import draining, prefect_setup, schedules, server
from deployments.draining import Tell
from deployments.installation import ROOT
from deployments.installation_folder import Home
from ops import errors


def deploy(
    home: Home, client: SyncPrefectClient, environment: Mapping[str, str], *, file: Path, tell: Tell
) -> list[str]:
    """Deploy a file, put back what an operator has made of the schedules, and say of which."""
    tell(f"Deploying {file} ...")
    kept = schedules.Kept(home.path / "schedules.json")
    kept.begin(schedules.switches(schedules.deployments(client)))
    # Nothing is to begin by a schedule that the file has on and an operator off.
    draining.pause(home, client, paused=True)
    try:
        prefect_setup.deploy(ROOT, environment, file=file)
        return schedules.put_back(client, kept)
    finally:
        draining.pause(home, client, paused=False)


def for_team(file: Path, tell: Tell) -> list[str]:
    """Deploy a file on the server that the user has set, with the work pool that it needs.

    Raises:
        Unavailable: the server does not answer, or Prefect did not take the file.
    """
    if not file.is_file():
        raise errors.Refused(f"{file} is not there, so there is nothing to deploy. Name another: --file.")
    home = _home()
    with home.one_at_a_time("this one", seconds=600), server.reached().client() as client:
        prefect_setup.make_pool(client)
        environment = {"RUNBOOKS_HOME": str(ROOT), **os.environ}
        return deploy(home, client, environment, file=file, tell=tell)


def drain(wait: timedelta, tell: Tell) -> None:
    """Let no further run of the team's begin until the next deploy, and wait for those that are under way.

    Raises:
        Refused: some have not ended in time; further ones may begin again.
    """
    home = _home()
    with home.one_at_a_time("this one", seconds=600), server.reached().client() as client:
        busy = draining.drained(home, client, wait.total_seconds(), tell)
        if busy:
            draining.pause(home, client, paused=False)
            raise errors.Refused(draining.still(busy))


def _home() -> Home:
    """Return where is kept what Prefect does not: what the file said, and whether it was us who has paused the pool."""
    named = os.environ.get("STATE_DIRECTORY")
    home = Home(Path(named) if named else ROOT / ".runbooks" / "team")
    home.path.mkdir(parents=True, exist_ok=True)
    return home
