"""The programs of an installation that stays, each started, looked at and stopped in one way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx
import psutil

from deployments import own_database, prefect_process, prefect_setup
from deployments.installation import ROOT, Installation
from deployments.own_database import OwnDatabase
from deployments.prefect_process import Process
from ops import errors, kept_postgres, secrets
from ops.kept_postgres import Kept

_ANSWERS_WITHIN = 180.0
_POLL = 0.2


class Program(Protocol):
    """Something that is to run as long as we do."""

    name: str

    def start(self, told_to_stop: Callable[[], bool]) -> None: ...
    def alive(self) -> bool: ...
    def stop(self) -> None: ...
    def process(self) -> tuple[int, float] | None: ...


@dataclass
class Postgres:
    """Prefect's own database server."""

    installation: Installation
    name: str = "postgres"
    running: Kept | None = None
    database: OwnDatabase | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def start(self, told_to_stop: Callable[[], bool]) -> None:
        self.running = self._stack.enter_context(kept_postgres.running(self.installation.home.path))
        self.database = OwnDatabase(self.running)
        if kept_postgres.ensure(self.running, own_database.NAME):
            self.database.restore()

    def alive(self) -> bool:
        return self.running is not None and not self.running.ended()

    def stop(self) -> None:
        self.running = self.database = None
        self._stack.close()

    def process(self) -> tuple[int, float] | None:
        # It has a watchdog of its own, which ends it with us.
        return None

    def serving(self) -> OwnDatabase:
        """Return Prefect's database.

        Raises:
            Unavailable: it does not run.
        """
        if self.database is None:
            raise errors.Unavailable("Postgres does not run, so no server can be started.")
        return self.database


@dataclass
class Server:
    """The Prefect server, which is up when it answers."""

    installation: Installation
    postgres: Postgres
    name: str = "server"
    _process: Process | None = None

    def start(self, told_to_stop: Callable[[], bool]) -> None:
        port = str(self.installation.settings.port)
        arguments = ("server", "start", "--host", "127.0.0.1", "--port", port)
        database = self.postgres.serving()
        environment = self.installation.for_server(database.url)
        self._process = _start(self.installation, self.name, arguments, environment)
        deadline = time.monotonic() + _ANSWERS_WITHIN
        while self.alive() and time.monotonic() < deadline and not told_to_stop():
            if self.answers():
                database.keep()
                return
            time.sleep(_POLL)
        if not told_to_stop():
            self.stop()
            raise errors.Unavailable(
                f"The Prefect server did not answer at {self.installation.address}. Its log ends with:\n"
                f"{tail(self.installation.home.log(self.name))}"
            )

    def alive(self) -> bool:
        return _alive(self._process)

    def answers(self, *, within: float = 5) -> bool:
        """Whether it answers, and its database answers it."""
        try:
            return httpx.get(f"{self.installation.address}/api/ready", timeout=within).is_success
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        self._process = _stop(self._process)

    def process(self) -> tuple[int, float] | None:
        return _written(self._process)


@dataclass
class Worker:
    """The worker that starts the runs."""

    installation: Installation
    name: str = "worker"
    _process: Process | None = None

    def start(self, told_to_stop: Callable[[], bool]) -> None:
        with self.installation.client() as client:
            prefect_setup.make_pool(client)
        arguments = ("worker", "start", "--pool", prefect_setup.POOL, "--type", "process", "--name", "local")
        self._process = _start(self.installation, self.name, arguments, self.installation.for_worker())

    def alive(self) -> bool:
        return _alive(self._process)

    def stop(self) -> None:
        self._process = _stop(self._process)

    def process(self) -> tuple[int, float] | None:
        return _written(self._process)

    def runs(self) -> set[str]:
        """Return the runs whose processes it has started and which have not ended."""
        found: set[str] = set()
        try:
            family = psutil.Process(self._process.pid).children(recursive=True) if self._process else []
        except psutil.Error:
            return found
        return found | runs_of(family)


def runs_of(processes: Iterable[psutil.Process]) -> set[str]:
    """Return the runs that some of these processes are."""
    found: set[str] = set()
    for process in processes:
        try:
            found.add(process.environ().get("PREFECT__FLOW_RUN_ID", ""))
        except psutil.Error:
            continue
    return found - {""}


def tail(path: Path, *, lines: int = 20) -> str:
    """Return the end of a log, redacted."""
    try:
        said = path.read_text("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return "there is no log"
    return secrets.redact("\n".join(said)) or "the log is empty"


def _start(
    installation: Installation, name: str, arguments: tuple[str, ...], environment: dict[str, str]
) -> Process:
    log = installation.home.log(name)
    return prefect_process.start(arguments, root=ROOT, log=log, environment=environment, mode="ab")


def _alive(process: Process | None) -> bool:
    return process is not None and process.poll() is None


def _stop(process: Process | None) -> None:
    if process is not None:
        prefect_process.stop(process)


def _written(process: Process | None) -> tuple[int, float] | None:
    if process is None:
        return None
    try:
        return process.pid, psutil.Process(process.pid).create_time()
    except psutil.Error:
        return None
