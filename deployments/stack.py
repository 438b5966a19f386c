"""The local stack: a real Prefect server and a process worker, on free ports, in a folder of their own.

Any number of stacks can run at once. A stack ends with the block that it was started in, and with the process
that started it.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prefect.client.orchestration import SyncPrefectClient

from deployments import homes, own_database, prefect_process, prefect_setup
from deployments.own_database import OwnDatabase
from deployments.prefect_process import Process
from deployments.prefect_setup import POOL
from ops import errors, secrets

ROOT = Path(__file__).resolve().parent.parent
STARTED_WITHIN = 120.0
_POLL = 0.1


@dataclass(frozen=True)
class Stack:
    """A server that answers and a worker that polls it; `environment` is what their processes see."""

    root: Path
    home: Path
    address: str
    database: OwnDatabase
    environment: Mapping[str, str]
    processes: dict[str, Process] = field(default_factory=dict[str, Process])

    @property
    def api(self) -> str:
        return f"{self.address}/api"

    def client(self) -> SyncPrefectClient:
        """Return a client of this server, whatever profile or settings the user has."""
        return SyncPrefectClient(
            api=self.api, httpx_settings={"verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}
        )

    def run_page(self, flow_run: object) -> str:
        return f"{self.address}/runs/flow-run/{flow_run}"

    def log(self, name: str) -> str:
        """Return the end of the log of `server` or `worker`, redacted."""
        path = self.home / f"{name}.log"
        return secrets.redact("\n".join(path.read_text("utf-8", "replace").splitlines()[-30:]))

    def wait(self) -> None:
        """Wait for as long as both processes run.

        Raises:
            Unavailable: one of them ended.
        """
        while True:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise errors.Unavailable(
                        f"The Prefect {name} ended by itself, so nothing runs any more."
                        f" Its log ends with:\n{self.log(name)}"
                    )
            time.sleep(_POLL)


@contextmanager
def running(
    *,
    extra: Mapping[str, str] | None = None,
    root: Path = ROOT,
    tell: Callable[[str], None] = lambda _: None,
) -> Generator[Stack]:
    """Start a server, deploy the runbooks of the `prefect.yaml` in `root` on it, and start a worker.

    `extra` is added to the worker's environment, which is where an environment's secrets belong; `tell` hears a
    line before everything that takes a while.

    Raises:
        Refused: `root` has no `prefect.yaml`.
        Unavailable: the server, the deployment or the worker did not come up; the message ends with its log.
    """
    if not (root / "prefect.yaml").is_file():
        raise errors.Refused(
            f"{root} has no prefect.yaml, so there is nothing to deploy. Run this in a clone of the repository."
        )
    tell("Starting a Postgres and a Prefect server ...")
    with homes.temporary(root / ".runbooks") as home, own_database.running() as database:
        port = _free_port()
        address = f"http://127.0.0.1:{port}"
        stack = Stack(root, home, address, database, _environment(root, home, address, database))
        with _server(stack, port):
            tell(f"Prefect answers at {address}; starting a worker and deploying prefect.yaml ...")
            with stack.client() as client:
                prefect_setup.make_pool(client)
            with _worker(stack, extra or {}):
                prefect_setup.deploy(stack.root, stack.environment)
                yield stack


def _environment(root: Path, home: Path, address: str, database: OwnDatabase) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    url = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database.url}
    return {**inherited, **prefect_setup.settings(root, home, address), **url}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _server(stack: Stack, port: int) -> Generator[None]:
    command = ("server", "start", "--host", "127.0.0.1", "--port", str(port))
    with _running(stack, "server", command, stack.environment) as process:
        _wait_for_answer(stack, process)
        stack.database.keep()
        yield


@contextmanager
def _worker(stack: Stack, extra: Mapping[str, str]) -> Generator[None]:
    environment = {
        **stack.environment,
        # Everything is in the API's log; drawing it a second time costs a third of a short step.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
        **extra,
    }
    command = ("worker", "start", "--pool", POOL, "--type", "process", "--name", "local")
    with _running(stack, "worker", command, environment):
        yield


@contextmanager
def _running(
    stack: Stack, name: str, arguments: tuple[str, ...], environment: Mapping[str, str]
) -> Generator[Process]:
    log = stack.home / f"{name}.log"
    process = prefect_process.start(arguments, root=stack.root, log=log, environment=environment)
    stack.processes[name] = process
    try:
        yield process
    finally:
        prefect_process.stop(process)


def _wait_for_answer(stack: Stack, process: Process) -> None:
    deadline = time.monotonic() + STARTED_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{stack.api}/health", timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(_POLL)
    raise errors.Unavailable(
        f"The Prefect server did not answer at {stack.address}, so nothing can be deployed."
        f" Its log ends with:\n{stack.log('server')}"
    )
