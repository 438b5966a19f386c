"""What stays when `runbooks up` has returned: it starts Postgres, server and worker, and again whichever dies.

    python -m deployments.supervisor HOME LOCK

LOCK is the number of the handle that holds the lock of the folder HOME: whoever cannot have that lock knows that we
live. With us everything that we have started ends, in order when we are told to end, and by itself when we are killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import psutil
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.states import Crashed

from deployments import installation, installation_folder, leash, prefect_setup, programs
from deployments.installation import Installation
from deployments.installation_folder import Home, State
from deployments.programs import Postgres, Program, Server, Worker
from ops import errors, redaction, secrets
from tasks import dead_runs

_LOOK = 1.0
# How long a server may say nothing while its process lives; a machine under load is not a dead one.
_SILENT = 90.0
_HOUSEKEEPING = 60.0
_LONGEST_PAUSE = 30.0
_RECENT = 600.0
_LARGEST_LOG = 20 * 1024**2
_NOTED_EVERY = 3.0
_HEARTBEAT = timedelta(seconds=30)


class Supervisor:
    """The owner of the folder, for as long as it lives."""

    def __init__(self, home: Home, lock: int) -> None:
        self.home = home
        self.lock = lock
        self.installation: Installation = installation.of(home, home.settings())
        self.postgres = Postgres(self.installation)
        self.server = Server(self.installation, self.postgres)
        self.worker = Worker(self.installation)
        self.programs: tuple[Program, ...] = (self.postgres, self.server, self.worker)
        self.told = threading.Event()
        self.deaths: dict[str, deque[float]] = {program.name: deque() for program in self.programs}
        self.state = State(
            pid=os.getpid(),
            began=psutil.Process().create_time(),
            address=self.installation.address,
            phase="starting",
            env_file=installation.stamp(self.installation.settings),
        )
        self._answered = time.monotonic()
        self._noted = 0.0

    def run(self) -> int:
        """Start everything, keep it running until we are told to end, and end it in order."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._leave)
        before = self.home.state()
        self._write()
        try:
            _end_left(before)
            for program in self.programs:
                if program is self.worker and before:
                    self._crash(before.runs, "when its machine died")
                if not self.told.is_set():
                    program.start(self.told.is_set)
                    self._write()
            self._resume()
            self._write("ready")
            _say(f"Up at {self.installation.address}.")
            self._keep()
        except Exception as error:
            self._stop()
            self._write("failed", secrets.redact(str(error)))
            _say(f"Not up: {secrets.redact(str(error))}")
            return 1
        self._write("stopping")
        self._stop()
        (self.home.path / "state.json").unlink(missing_ok=True)
        _say("Stopped in order.")
        return 0

    def _leave(self, _signum: int, _frame: FrameType | None) -> None:
        self.told.set()

    def _keep(self) -> None:
        """Look after the programs until we are told to end, or the folder was removed under us."""
        tidied = time.monotonic()
        while not self.told.wait(_LOOK):
            if not self._ours():
                _say(f"{self.home.path} was removed, so everything is stopped.")
                return
            try:
                for program in self.programs:
                    if not program.alive():
                        self._again(program, "ended by itself")
                self._note_runs()
                self._listen()
                if time.monotonic() - tidied > _HOUSEKEEPING:
                    tidied = time.monotonic()
                    self._tidy()
            except Exception as error:
                # Whatever it is, who looks after the others does not die of it.
                _say(f"{type(error).__name__}: {secrets.redact(str(error))}")

    def _ours(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self.lock), (self.home.path / "lock").stat())
        except OSError:
            return False

    def _again(self, program: Program, why: str) -> None:
        """Start a program again, after a pause that is the longer the more often it has died of late."""
        deaths, now = self.deaths[program.name], time.monotonic()
        while deaths and now - deaths[0] > _RECENT:
            deaths.popleft()
        pause = min(2.0 ** len(deaths) - 1, _LONGEST_PAUSE)
        deaths.append(now)
        self.state.restarts[program.name] = self.state.restarts.get(program.name, 0) + 1
        _say(f"The {program.name} {why}; it is started again in {pause:.0f} s.")
        program.stop()
        if self.told.wait(pause):
            return
        try:
            if program is self.worker:
                self._crash(self.state.runs, "when its worker died")
            program.start(self.told.is_set)
        except errors.OpsError as error:
            # It is found dead at the next look, and the pause grows.
            _say(f"The {program.name} did not start: {secrets.redact(str(error))}")
            program.stop()
        self._answered = time.monotonic()
        self._write()

    def _note_runs(self) -> None:
        """Write down who runs, so that whoever comes after us knows who died with us."""
        if time.monotonic() - self._noted > _NOTED_EVERY:
            self._noted = time.monotonic()
            runs = tuple(sorted(self.worker.runs()))
            if runs != self.state.runs:
                self.state.runs = runs
                self._write()

    def _listen(self) -> None:
        """Start a server again that lives and has said nothing for too long."""
        if time.monotonic() - self._answered < _SILENT / 6:
            return
        if self.server.answers(within=10):
            self._answered = time.monotonic()
        elif time.monotonic() - self._answered > _SILENT:
            self._again(self.server, f"has not answered for {_SILENT:.0f} s")

    def _tidy(self) -> None:
        """Call runs crashed that died with their worker, and cut logs that have become too long."""
        for program in self.programs:
            log = self.home.log(program.name)
            if log.exists() and log.stat().st_size > _LARGEST_LOG:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)
        # An `up` that was killed in the midst of a deploy has left the work pool paused.
        with contextlib.suppress(errors.Refused), self.home.one_at_a_time("this", seconds=0):
            self._resume()
        try:
            with self.installation.client() as client:
                dead = dead_runs.silent(client, datetime.now(UTC), every=_HEARTBEAT)
                for name in dead_runs.crash(client, dead):
                    _say(f"The run {name} has died; it is called crashed and can be retried.")
        except errors.OpsError as error:
            _say(f"Dead runs were not looked for: {secrets.redact(str(error))}")

    def _resume(self) -> None:
        """Let the work pool give out runs again, if it was us who had paused it."""
        if self.home.draining.exists() and not self.told.is_set():
            with self.installation.client() as client:
                client.update_work_pool(prefect_setup.POOL, WorkPoolUpdate(is_paused=False))
            self.home.draining.unlink()

    def _stop(self) -> None:
        """End the worker, say what became of its runs while the server can still hear it, and end the others."""
        cut_off = self.worker.runs()
        self.worker.stop()
        if self.server.alive():
            self._crash(cut_off, "when the deployment was stopped")
        self.server.stop()
        self.postgres.stop()

    def _crash(self, runs: Iterable[str], when: str) -> None:
        """Call those of these runs crashed that have no process any more and have not come to an end."""
        try:
            runs = set(runs) - programs.runs_of(psutil.process_iter()) if runs else set()
            with self.installation.client() as client:
                for number in sorted(runs):
                    run = client.read_flow_run(number)  # pyright: ignore[reportArgumentType]
                    if run.state and (run.state.is_running() or run.state.is_pending()):
                        said = f"It was cut off {when}. Retry it to go on."
                        client.set_flow_run_state(run.id, Crashed(message=said))
                        _say(f"The run {run.name} was cut off; it is called crashed and can be retried.")
        except Exception as error:
            _say(f"What became of the runs that were cut off was not said: {secrets.redact(str(error))}")

    def _write(self, phase: str = "", said: str = "") -> None:
        self.state.phase = phase or self.state.phase
        self.state.said = said
        written = {program.name: process for program in self.programs if (process := program.process())}
        self.state.processes = written
        try:
            self.home.keep(self.state)
        except OSError as error:
            # A full disk, or a folder that is gone: that is no reason to stop what runs.
            _say(f"How it is could not be written down ({type(error).__name__}).")


def _end_left(before: State | None) -> None:
    """End what a supervisor that was killed has left, where it is still about to end by itself."""
    for written in before.processes.values() if before else ():
        if process := installation_folder.alive(written):
            leash.end(process)


def _say(line: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {line}", flush=True)


if __name__ == "__main__":
    redaction.install()
    sys.exit(Supervisor(Home(Path(sys.argv[1])), int(sys.argv[2])).run())
