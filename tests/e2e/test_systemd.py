"""The units of systemd and the compose file: every command in them is started for real, with the paths replaced."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from deployments import homes, own_database, scale
from deployments.stack import ROOT
from tests import fix_redis
from tests.fix_pgbouncer import free_port
from tests.polling import wait_until

pytestmark = pytest.mark.timeout(600)
UNITS = ROOT / "deployments" / "systemd"
CLONE = "/srv/supabase-runbooks"
FILE = ROOT / "tests" / "up" / "prefect.yaml"
# What stands in a unit may be repeated there.
LINES = re.compile(r"^([A-Za-z]+)=(.*)$", re.M)


def lines(unit: str, key: str) -> list[str]:
    return [value for name, value in LINES.findall((UNITS / unit).read_text("utf-8")) if name == key]


def settings(unit: str) -> dict[str, str]:
    """Return what a unit sets in the environment."""
    words = [word for line in lines(unit, "Environment") for word in shlex.split(line)]
    return dict(word.split("=", 1) for word in words)


class Machine:
    """A machine on which the units run: their paths, user, host name and port are replaced, and nothing else."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.files = {"server.env": {scale.DATABASE: database}, "worker.env": {}}

    def command(self, unit: str, key: str) -> list[str]:
        (line,) = lines(unit, key)
        return shlex.split(self.replaced(line))

    def environment(self, unit: str) -> dict[str, str]:
        (named,) = lines(unit, "EnvironmentFile")
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        own = {name: self.replaced(value) for name, value in settings(unit).items()}
        state = {"STATE_DIRECTORY": str(self.folder)}
        return {**plain, **state, **own, **self.files[Path(named).name]}

    def replaced(self, text: str) -> str:
        return (
            text.replace(f"{CLONE}/.venv/bin", str(Path(sys.executable).parent))
            .replace(CLONE, str(ROOT))
            .replace("/var/lib", str(self.folder))
            .replace("%H", socket.gethostname())
            .replace("4200", str(self.port))
        )

    @contextmanager
    def running(self, unit: str, **more: str) -> Generator[subprocess.Popen[bytes]]:
        with started(self.command(unit, "ExecStart"), {**self.environment(unit), **more}) as process:
            yield process

    def run(self, unit: str, key: str, *more: str, **variables: str) -> str:
        """Run another command of a unit to its end."""
        done = subprocess.run(
            [*self.command(unit, key), *more],
            cwd=ROOT,
            env={**self.environment(unit), **variables},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/ready", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def workers(self) -> list[str]:
        found = httpx.post(
            f"http://127.0.0.1:{self.port}/api/work_pools/runbooks/workers/filter", json={}, timeout=5
        ).json()
        return [each["name"] for each in found if each["status"] == "ONLINE"]

    def paused(self) -> bool:
        return httpx.get(f"http://127.0.0.1:{self.port}/api/work_pools/runbooks", timeout=5).json()[
            "is_paused"
        ]


@contextmanager
def started(command: list[str], environment: Mapping[str, str]) -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for each in family:
            each.kill()
        process.wait()


@pytest.fixture
def machine() -> Generator[Machine]:
    with own_database.running() as database, homes.temporary(ROOT / ".runbooks") as folder:
        yield Machine(folder, database.url)


def test_the_units_are_what_systemd_understands(tmp_path: Path):
    binary = shutil.which("systemd-analyze")
    assert binary, "systemd is not installed; .ci/run installs it."
    for unit in sorted(UNITS.iterdir()):
        # What systemd looks for on this machine: the programs, and the units that others bring.
        text = unit.read_text("utf-8").replace(f"{CLONE}/.venv/bin", str(Path(sys.executable).parent))
        text = re.sub(r"^User=.*$", "User=root", text, flags=re.M)
        (tmp_path / unit.name).write_text(text, "utf-8")
    done = subprocess.run(
        [binary, "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:/lib/systemd/system:/usr/lib/systemd/system"},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_server_and_worker_start_deploy_and_drain_as_their_units_say(machine: Machine):
    with machine.running("runbooks-server.service"):
        wait_until(machine.answers, seconds=120)
        assert "Deployed." in machine.run("runbooks-worker.service", "ExecStartPre", "--file", str(FILE))
        with machine.running("runbooks-worker.service") as worker:
            wait_until(lambda: machine.workers() == [socket.gethostname()], seconds=60)
            # One that died by itself leaves nothing to wait for.
            assert machine.run("runbooks-worker.service", "ExecStop", MAINPID="") == ""
            assert not machine.paused()
            said = machine.run("runbooks-worker.service", "ExecStop", MAINPID=str(worker.pid))
            assert "Nothing runs, and nothing begins until the next deploy." in said
            assert machine.paused()
        machine.run("runbooks-worker.service", "ExecStartPre", "--file", str(FILE))
        assert not machine.paused()


def test_the_background_services_start_as_their_unit_says(machine: Machine):
    with fix_redis.running() as redis:
        url = machine.files["server.env"][scale.DATABASE]
        machine.files["server.env"] = scale.settings(url, redis.url.rpartition("/")[0])
        with machine.running("runbooks-server.service", **{scale.MIGRATE: "true"}):
            wait_until(machine.answers, seconds=120)
            with machine.running("runbooks-services.service") as services:
                # What they have to do once is handed out through Redis.
                wait_until(lambda: any(b"prefect-server" in key for key in keys(redis)), seconds=60)
                assert services.poll() is None


def keys(redis: fix_redis.Server) -> set[bytes]:
    redis.admin.select(1)
    return redis.held()


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "deployments" / "compose.yaml").read_text("utf-8"))


def test_the_compose_file_starts_what_the_units_start(machine: Machine):
    services = compose()["services"]
    server, worker = services["server"], services["worker"]
    unit = shlex.split(lines("runbooks-server.service", "ExecStart")[0].replace("127.0.0.1", "0.0.0.0"))
    assert server["command"][1:] == unit[1:]
    assert server["environment"].keys() == {scale.DATABASE, "PREFECT_SERVER_UI_API_URL"}
    script = worker["command"][-1]
    (started_by_unit,) = lines("runbooks-worker.service", "ExecStart")
    deployed, _, runs = script.partition(" && exec ")
    assert deployed == Path(lines("runbooks-worker.service", "ExecStartPre")[0]).name
    assert shlex.split(runs)[1:-1] == shlex.split(started_by_unit)[1:-1]
    (drains,) = worker["pre_stop"]
    assert shlex.join(drains["command"]) in lines("runbooks-worker.service", "ExecStop")[0]
    # What the image sets is what the units set.
    image = (ROOT / "deployments" / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    ((line,),) = [[found] for found in re.findall(r"^ENV (.*)$", image, re.M)]
    set_by_image = dict(word.split("=", 1) for word in shlex.split(line))
    for name in ("runbooks-server.service", "runbooks-worker.service"):
        wanted = settings(name)
        for key in wanted.keys() - {
            "PREFECT_HOME",
            "PREFECT_API_URL",
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL",
        }:
            assert set_by_image[key] == wanted[key]
    copied = {word for line in re.findall(r"^COPY (.*)$", image, re.M) for word in line.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    assert {"cli", "deployments", "flows", "ops", "tasks", "prefect.yaml"} <= copied
    health = [sys.executable if word == "python" else word for word in server["healthcheck"]["test"][1:]]
    health[-1] = machine.replaced(health[-1])
    assert subprocess.run(health, capture_output=True, check=False).returncode != 0
    with machine.running("runbooks-server.service"):
        wait_until(
            lambda: subprocess.run(health, capture_output=True, check=False).returncode == 0, seconds=120
        )
