"""The processes of a stack that are killed, and started again as systemd does it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import psutil

from deployments.leash import end
from deployments.stack import Stack
from tests.polling import wait_until
from tests.preforked import Forks


def kill(stack: Stack, name: str) -> list[str]:
    """Kill a process of the stack and all that it started, at once; return its command."""
    leash = psutil.Process(stack.processes[name].pid)
    family = leash.children(recursive=True)
    command = family[0].cmdline()
    _kill_all(family)
    return command


def _kill_all(family: Sequence[psutil.Process]) -> None:
    """Kill all of them at once; one may be gone by the death of another."""
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=20)


def _started(
    stack: Stack, command: list[str], extra: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    with (stack.home / "again.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=stack.root,
            env={**stack.environment, **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def answers(stack: Stack) -> bool:
    try:
        return httpx.get(f"{stack.api}/health", timeout=2).is_success
    except httpx.TransportError:
        return False


@dataclass
class Mortal:
    """A stack whose server and worker are killed and started again, as often as a test likes."""

    stack: Stack
    forks: Forks | None = None
    extra: Mapping[str, str] = field(default_factory=dict[str, str])
    _commands: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _again: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict[str, subprocess.Popen[bytes]])

    def kill(self, name: str) -> None:
        """Kill the server or the worker with all that it has started."""
        again = self._again.pop(name, None)
        if again is None:
            self._commands[name] = kill(self.stack, name)
            return
        roots = [psutil.Process(again.pid)]
        if self.forks:
            roots.append(psutil.Process(self.forks.forked(again.pid)))
        _kill_all([process for root in roots for process in (*root.children(recursive=True), root)])
        again.wait()

    def kill_alone(self, name: str) -> None:
        """Kill the process that was started again, and let what it has started live on, as the OOM killer does."""
        again = self._again.pop(name)
        again.kill()
        again.wait()

    def start(self, name: str) -> None:
        """Start it again, and wait until the server answers."""
        command = self._commands[name]
        if self.forks:
            command = self.forks.command(*command[command.index("-m") + 1 :])
        self._again[name] = _started(self.stack, command, self.extra)
        wait_until(lambda: answers(self.stack), seconds=90)

    def close(self) -> None:
        for name, process in self._again.items():
            end(psutil.Process(process.pid))
            assert process.wait() is not None, name
