"""A server that is stopped and started again, as it was."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import psycopg

from ops import embedded, os_user
from tests.polling import wait_until


@dataclass
class Own:
    """A server of one test's own, and what it was started again as."""

    server: embedded.Server
    again: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    def restart(self) -> None:
        """Restart it, in turn as when it crashes and as it is asked to."""
        self.again.append(restart(self.server, "immediate" if len(self.again) % 2 else "fast"))


@contextmanager
def own() -> Generator[Own]:
    """Start a server that may be restarted."""
    with embedded.running() as server:
        made = Own(server)
        yield made
    for process in made.again:
        process.communicate()


def restart(server: embedded.Server, mode: str) -> subprocess.Popen[bytes]:
    """Restart a server of our own; `immediate` is as when it crashes."""
    user = os_user.find()
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    # Not by `pg_ctl restart`: it has a shell expand the settings, "$user" of the search path among them.
    command = psutil.Process(pid).cmdline()
    done = user.run(server.bindir / "pg_ctl", "stop", "-w", "-s", "-m", mode, "-D", server.data)
    assert done.returncode == 0, done.stdout + done.stderr
    started = user.spawn(*command)
    wait_until(lambda: _answers(server))
    return started


def _answers(server: embedded.Server) -> bool:
    try:
        psycopg.connect(server.dsn()).close()
    except psycopg.OperationalError:
        return False
    return True
