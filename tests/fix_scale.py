"""Two Prefect servers on one Postgres with Redis between them, a balancer before them, and three workers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from deployments import homes, own_database, prefect_process, prefect_setup, scale
from deployments.prefect_process import Process
from deployments.programs import runs_of
from deployments.stack import ROOT, Stack
from tests import fix_redis
from tests.fix_pgbouncer import free_port
from tests.polling import wait_until

FILE = Path(__file__).parent / "scale" / "prefect.yaml"
WORKERS = ("one", "two", "three")


@dataclass
class Scaled:
    """What runs: the processes by name, and the stack that clients see, whose address is the balancer's."""

    stack: Stack
    ports: dict[str, int]
    processes: dict[str, Process] = field(default_factory=dict[str, Process])

    def start(self, name: str, *arguments: str) -> None:
        log = self.stack.home / f"{name}.log"
        self.processes[name] = prefect_process.start(
            arguments, root=ROOT, log=log, environment=self.stack.environment
        )

    def answers(self, port: int) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/api/ready", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def runs_on(self, worker: str) -> set[str]:
        """Return the runs that a worker has under way."""
        return runs_of(psutil.Process(self.processes[worker].pid).children(recursive=True))

    def kill(self, name: str) -> None:
        """Let a machine die: everything at once, and nobody says goodbye."""
        leash = psutil.Process(self.processes[name].pid)
        family = [leash, *leash.children(recursive=True)]
        for each in family:
            each.suspend()
        for each in family:
            each.kill()
        psutil.wait_procs(family, timeout=20)


@contextmanager
def running() -> Generator[Scaled]:
    """Start everything, deploy, and stop it all again."""
    with ExitStack() as stacked:
        redis = stacked.enter_context(fix_redis.running())
        database = stacked.enter_context(own_database.running())
        home = stacked.enter_context(homes.temporary(ROOT / ".runbooks"))
        ports = {name: free_port() for name in ("balancer", "a", "b")}
        address = f"http://127.0.0.1:{ports['balancer']}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment = {
            **inherited,
            **prefect_setup.settings(ROOT, home, address),
            **scale.settings(database.url, redis.url.rpartition("/")[0]),
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        made = Scaled(Stack(ROOT, home, address, database, environment), ports)
        stacked.callback(_stop, made)
        upgrade = prefect_process.start(
            scale.UPGRADE, root=ROOT, log=home / "upgrade.log", environment=environment
        )
        assert upgrade.wait() == 0, made.stack.log("upgrade")
        prefect_process.stop(upgrade)
        for name in ("a", "b"):
            made.start(name, *scale.SERVER, "--host", "127.0.0.1", "--port", str(ports[name]))
        made.start("services", *scale.SERVICES)
        stacked.enter_context(_balancer(ports))
        wait_until(lambda: all(made.answers(port) for port in ports.values()), seconds=120)
        with made.stack.client() as client:
            prefect_setup.make_pool(client)
        prefect_setup.deploy(ROOT, environment, file=FILE)
        for name in WORKERS:
            made.start(
                name, "worker", "start", "--pool", prefect_setup.POOL, "--type", "process", "--name", name
            )
        yield made


@contextmanager
def _balancer(ports: dict[str, int]) -> Generator[None]:
    binary = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert binary, "HAProxy is not installed; .ci/run installs it."
    where = {"BALANCER": "balancer", "SERVER_ONE": "a", "SERVER_TWO": "b"}
    named = {f"PREFECT_{name}": f"127.0.0.1:{ports[port]}" for name, port in where.items()}
    process = subprocess.Popen(
        [binary, "-db", "-f", ROOT / "deployments" / "haproxy.cfg"],
        env={**os.environ, **named},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _stop(made: Scaled) -> None:
    for process in made.processes.values():
        if process.stdin:
            process.stdin.close()
    for process in made.processes.values():
        process.wait()
