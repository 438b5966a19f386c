"""Processes of Prefect that are forked from one that has imported everything: a run begins in a tenth of the time.

    python -m tests.preforked SOCKET MODULE...      (imports these too; it ends when its standard input closes)

`preforked_start.py` asks it for a process and stands for that: with the one the other ends, and a signal is passed on.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import runpy
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefect.client.schemas.actions import WorkPoolUpdate

from deployments.stack import POOL, Stack
from tests.polling import wait_until

_START = Path(__file__).with_name("preforked_start.py")
_PRELOADED = (
    "prefect.deployments.steps.pull",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.flow_runs",
    "prefect.artifacts",
    "prefect.runner",
    "prefect.workers.process",
    "prefect.cli.server",
    "prefect.cli.worker",
    "prefect.cli._server_utils",
    "prefect.cli._worker_utils",
    "prefect.server.api.server",
)


@dataclass(frozen=True)
class Forks:
    """Where processes are forked."""

    socket: Path

    def command(self, *arguments: str) -> list[str]:
        """Return the command that stands for `python -m` with these arguments."""
        return [sys.executable, "-I", "-S", str(_START), str(self.socket), *arguments]

    def forked(self, pid: int) -> int:
        """Return the process for which this one stands."""
        return int(Path(f"{self.socket}.{pid}").read_text("utf-8"))


@contextlib.contextmanager
def serving(stack: Stack, extra: Mapping[str, str], *modules: str) -> Generator[Forks]:
    """Let the runs of a stack be forked, with what its worker's environment has beside the stack's own."""
    forks = Forks(stack.home / "forks")
    environment = {**stack.environment, "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING", **extra}
    command = [sys.executable, "-m", "tests.preforked", str(forks.socket), *modules]
    with (stack.home / "forks.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=stack.root, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: forks.socket.exists() or process.poll() is not None, seconds=120)
        assert process.poll() is None, (stack.home / "forks.log").read_text("utf-8")
        with stack.client() as client:
            template = client.read_work_pool(POOL).base_job_template
            template["variables"]["properties"]["command"]["default"] = shlex.join(
                forks.command("prefect.engine")
            )
            client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=template))
        yield forks
    finally:
        process.communicate()


def main(path: str, modules: Sequence[str]) -> None:
    """Fork a process for whoever asks."""
    for name in (*_PRELOADED, *modules):
        __import__(name)
    for found in sorted(Path("flows").glob("[a-z]*.py")):
        # Whoever runs one that cannot be imported hears of it then.
        with contextlib.suppress(ImportError):
            __import__(f"flows.{found.stem}")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)
        listening.listen(64)
        while True:
            ready, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            asking, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                os._exit(_stand_by(asking, path))
            asking.close()


def _stand_by(asking: socket.socket, path: str) -> int:
    """Fork the process, pass on to it what is said, and say how it ended; with whoever asked it ends too."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    said, files, _, _ = socket.recv_fds(asking, 1 << 20, 2)
    while not said.endswith(b"\n"):
        said += asking.recv(1 << 20)
    pid = os.fork()
    if pid == 0:
        asking.close()
        _become(json.loads(said), files)
    for each in files:
        os.close(each)
    stands, *_ = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    Path(f"{path}.{stands}").write_text(str(pid), "utf-8")
    ended = os.pidfd_open(pid)
    while True:
        ready, _, _ = select.select([asking, ended], [], [])
        if ended in ready:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            with contextlib.suppress(OSError):
                asking.sendall(f"{code}\n".encode())
            return 0
        heard = asking.recv(1)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, heard[0] if heard else signal.SIGKILL)


def _become(said: dict[str, object], files: list[int]) -> None:
    """Become the process that was asked for, as if it had been started so."""
    os.setsid()
    for number, each in enumerate(files, start=1):
        os.dup2(each, number)
        os.close(each)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    environment: dict[str, str] = said["environment"]  # pyright: ignore[reportAssignmentType]
    module, *arguments = said["arguments"]  # pyright: ignore[reportGeneralTypeIssues]
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(said["folder"]))
    random.seed()
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
