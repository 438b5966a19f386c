"""A deployment that stays, in a folder of one test's own, started and stopped by the commands that people use."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

from deployments import installation, schedules
from deployments.installation_folder import Home, Settings, State
from tests import fix_command
from tests.fix_pgbouncer import free_port
from tests.polling import wait_until

FILE = Path(__file__).parent / "up" / "prefect.yaml"
PATIENCE = 120
PAUSE = 0.3


@dataclass
class Deployment:
    """Its folder, and what an operator does with it."""

    path: Path
    port: int = field(default_factory=free_port)
    file: Path = FILE

    @property
    def home(self) -> Home:
        return Home(self.path)

    @property
    def state(self) -> State:
        found = self.home.state()
        assert found is not None, "nothing runs"
        return found

    def up(self, *more: str, **variables: str) -> str:
        """Start it and return what was said."""
        done = self.tried("up", "--port", str(self.port), "--file", str(self.file), *more, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def down(self, *more: str, **variables: str) -> str:
        done = self.tried("down", *more, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tried(self, command: str, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return fix_command.run(command, "--home", self.path, *more, **variables)

    @contextmanager
    def client(self) -> Generator[SyncPrefectClient]:
        here = installation.of(self.home, self.home.settings())
        with here.client() as client:
            yield client

    def start(self, deployment: str, **parameters: Any) -> UUID:
        with self.client() as client:
            found = client.read_deployment_by_name(deployment)
            return client.create_flow_run_from_deployment(found.id, parameters=parameters).id

    def read(self, run: UUID) -> FlowRun:
        with self.client() as client:
            return client.read_flow_run(run)

    def wait_for(self, run: UUID, *states: str) -> None:
        wait_until(lambda: self.read(run).state_name in states, seconds=PATIENCE, pause=PAUSE)

    def switched(self, deployment: str = "heartbeat/production") -> dict[str, bool]:
        """Return the schedules of a deployment and whether they are on."""
        with self.client() as client:
            found = schedules.deployments(client)[deployment]
            return {each.schedule.cron: each.active for each in found.schedules}  # pyright: ignore

    def switch(self, cron: str, *, on: bool, deployment: str = "heartbeat/production") -> None:
        """Switch a schedule, as the UI does."""
        with self.client() as client:
            found = client.read_deployment_by_name(deployment)
            (each,) = (each for each in found.schedules if each.schedule.cron == cron)  # pyright: ignore
            client.update_deployment_schedule(found.id, each.id, active=on)

    def program(self, name: str) -> psutil.Process:
        """Return the process of the supervisor, the server, the worker or Postgres."""
        if name == "supervisor":
            return psutil.Process(self.state.pid)
        if name == "postgres":
            return psutil.Process(int((self.path / "postgres" / "postmaster.pid").read_text().split()[0]))
        leash = psutil.Process(self.state.processes[name][0])
        return next(iter(leash.children()))

    def family(self) -> list[psutil.Process]:
        """Return everything that runs for it."""
        supervisor = self.program("supervisor")
        return [supervisor, *supervisor.children(recursive=True)]


@pytest.fixture
def deployment() -> Generator[Deployment]:
    """A folder which the user of Postgres can pass through, as one in pytest's own cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="runbooks-up-"))
    folder.chmod(0o711)
    made = Deployment(folder / "home")
    try:
        yield made
    finally:
        if made.home.held():
            made.tried("down", "--now")
        shutil.rmtree(folder, ignore_errors=True)


def settings_of(made: Deployment) -> Settings:
    return Settings.model_validate(json.loads((made.path / "settings.json").read_text("utf-8")))
