"""An installation that stays, started, deployed anew and stopped: what `runbooks up` and `runbooks down` do.

Facts this rests on (Prefect 3.8): a worker that is told to end kills its runs, and what it ran stays Running for ever.
So nobody is told to end before it was looked who runs. What waits at a gate has no process, and nothing to lose.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from prefect.client.schemas.objects import FlowRun, StateType

from deployments import deploying, draining, installation, installation_folder, programs, schedules
from deployments.draining import Tell
from deployments.installation import ROOT, Installation
from deployments.installation_folder import Home, Settings, State
from deployments.schedules import Next
from ops import errors, kept_postgres

_STARTS_WITHIN = 420.0
_ENDS_WITHIN = 120.0
_TURN_WITHIN = 600.0
_POLL = 0.2


@dataclass(frozen=True)
class Up:
    """What came of it: `found` says that it ran already."""

    address: str
    home: Path
    found: bool
    deployments: int
    coming: tuple[Next, ...]
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Down:
    """What was stopped: `waiting` are the runs that wait for somebody and go on after the next start."""

    ran: bool
    waiting: tuple[str, ...] = ()
    cut_off: tuple[str, ...] = field(default=())


def default_home() -> Path:
    """Return where it lies unless somebody says so: in this clone, or where root keeps what it serves."""
    inside = ROOT / ".runbooks" / "up"
    try:
        kept_postgres.check(inside)
    except errors.Refused:
        if os.geteuid() == 0 and not inside.exists():
            return Path("/var/lib/supabase-runbooks")
    return inside


def up(path: Path, asked: Settings, tell: Tell) -> Up:
    """Start everything in the background unless it runs, deploy the file, and return.

    Raises:
        Refused: something does not hold that must; nothing was started.
        Unavailable: it did not come up; the message says why.
    """
    home = Home(path.absolute())
    here = installation.of(home, asked)
    if not here.file.is_file():
        raise errors.Refused(
            f"{here.file} is not there, so there is nothing to deploy. Name another: --file."
        )
    kept_postgres.check(home.path)
    home.make()
    with home.one_at_a_time("this one", seconds=_TURN_WITHIN):
        state, found = _started(home, here, tell)
        with here.client() as client:
            said = deploying.deploy(home, client, here.for_worker(), file=here.file, tell=tell)
            coming = tuple(schedules.coming(client, most=5))
            count = len(schedules.deployments(client))
        if found and state.env_file != installation.stamp(asked):
            said.append(
                "The file of variables has changed since the worker was started, which keeps those that it has. "
                "To use the new ones: runbooks down, then runbooks up."
            )
    return Up(here.address, home.path, found, count, coming, tuple(said))


def down(path: Path, *, wait: timedelta, now: bool, tell: Tell) -> Down:
    """Stop everything in order, once no run is under way.

    Raises:
        Refused: runs are under way and did not end in time; nothing was stopped.
        Unavailable: the server does not say which runs there are, or what was told to end did not.
    """
    home = Home(path.absolute())
    if not home.held():
        return Down(ran=False)
    with home.one_at_a_time("this one", seconds=_TURN_WITHIN):
        state = home.state()
        if not home.held():
            return Down(ran=False)
        if state is None:
            raise errors.Unavailable(f"What runs in {home.path} has not said yet how it is. Try again.")
        here = installation.of(home, home.settings())
        waiting, busy = _looked(home, here, state, None if now else wait.total_seconds(), tell)
        tell("Stopping the worker, the server and Postgres ...")
        _end(home, state)
    return Down(ran=True, waiting=waiting, cut_off=tuple(run.name for run in busy))


def _looked(
    home: Home, here: Installation, state: State, wait: float | None, tell: Tell
) -> tuple[tuple[str, ...], tuple[FlowRun, ...]]:
    """Return who waits at a gate, and who is cut off; nobody is asked to wait where `wait` is nothing.

    Raises:
        Refused: runs are under way and did not end in time.
        Unavailable: the server does not say.
    """
    if state.phase != "ready":
        return (), ()
    try:
        with here.client() as client:
            busy = draining.drained(home, client, wait or 0, tell)
            if busy and wait is not None:
                draining.pause(home, client, paused=False)
                raise errors.Refused(draining.still(busy))
            return tuple(run.name for run in draining.runs(client, StateType.PAUSED)), busy
    except errors.Unavailable as error:
        if wait is None:
            return (), ()
        raise errors.Unavailable(
            f"Nobody knows which runs are under way, so nothing was stopped: {error} To stop it all the same: --now."
        ) from None


def _started(home: Home, here: Installation, tell: Tell) -> tuple[State, bool]:
    """Start a supervisor, or find the one that runs; return how it is, once it is up."""
    lock = home.take()
    if lock is None:
        state = _ready(home, None)
        if state.address != here.address:
            raise errors.Refused(
                f"It runs at {state.address}, and not at {here.address}. To move it: runbooks down, then runbooks up "
                f"--port {here.settings.port}."
            )
        home.keep(here.settings)
        return state, True
    try:
        _await_port(home, here)
        home.keep(here.settings)
        tell(f"Starting Postgres, a Prefect server and a worker in {home.path} ...")
        with home.log("supervisor").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "deployments.supervisor", str(home.path), str(lock)],
                cwd=ROOT,
                env={**here.environment, "PREFECT_HOME": str(home.path / "prefect")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock,),
            )
    finally:
        os.close(lock)
    return _ready(home, process), False


def _over(home: Home) -> bool:
    """Whether nothing that is written down of an earlier one lives."""
    state = home.state()
    return state is None or not any(installation_folder.alive(each) for each in state.processes.values())


def _ready(home: Home, process: subprocess.Popen[bytes] | None) -> State:
    """Wait until the supervisor says that all is up."""
    deadline = time.monotonic() + _STARTS_WITHIN
    state = None
    while time.monotonic() < deadline:
        ended = process.poll() is not None if process else not home.held()
        state = home.state()
        # What a supervisor that was killed has written is still there.
        ours = state is not None and (
            state.pid == process.pid
            if process
            else installation_folder.alive((state.pid, state.began)) is not None
        )
        if state and ours and state.phase == "ready" and not ended:
            return state
        if ended:
            said = state.said if state and ours and state.said else programs.tail(home.log("supervisor"))
            raise errors.Unavailable(f"The deployment did not come up: {said}")
        time.sleep(_POLL)
    raise errors.Unavailable(
        f"The deployment is not up after {_STARTS_WITHIN:.0f} s ({state.phase if state else 'nothing was written'}). "
        f"See {home.log('supervisor')}."
    )


def _await_port(home: Home, here: Installation) -> None:
    """See that nobody has the port; a server of ours that was orphaned is about to give it back.

    Raises:
        Refused: somebody else has it.
    """
    deadline = time.monotonic() + (0 if _over(home) else _ENDS_WITHIN)
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", here.settings.port))
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise errors.Refused(
                        f"Port {here.settings.port} is taken by something else, so nothing was started. Stop that, or "
                        "name another one: --port."
                    ) from None
        time.sleep(_POLL)


def _end(home: Home, state: State) -> None:
    supervisor = installation_folder.alive((state.pid, state.began))
    if supervisor:
        supervisor.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _ENDS_WITHIN
    while home.held():
        if time.monotonic() > deadline:
            raise errors.Unavailable(
                f"Process {state.pid} was told to end and has not after {_ENDS_WITHIN:.0f} s. "
                f"See {home.log('supervisor')}."
            )
        time.sleep(_POLL)
