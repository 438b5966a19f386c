"""A server that is stopped and started again, as it was."""

from __future__ import annotations

import subprocess

import psutil
import psycopg

from ops import embedded, os_user
from tests.polling import wait_until


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
