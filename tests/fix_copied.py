"""A physical copy of a running cluster, as a base backup or a snapshot of its disk is, that is started beside it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from ops import embedded, os_user, postmaster


@contextmanager
def copied(server: embedded.Server, *, standby: bool = False) -> Generator[embedded.Server]:
    """Copy a cluster with everything in it, and run the copy at an address of its own; a standby goes on replaying."""
    user = os_user.find()
    home = Path(tempfile.mkdtemp(prefix="copied-", dir="/tmp"))
    try:
        home.chmod(0o755)
        user.own(home)
        made = user.run(
            *(
                server.bindir / "pg_basebackup",
                "-D",
                home / "data",
                "-h",
                server.host,
                "-p",
                str(server.port),
            ),
            *("-U", server.superuser, "--checkpoint=fast", "--no-sync"),
        )
        assert made.returncode == 0, made.stderr
        settings = {**_settings(server), "unix_socket_directories": str(home)}
        if standby:
            (home / "data" / "standby.signal").touch()
            settings["primary_conninfo"] = f"host={server.host} port={server.port} user={server.superuser}"
            settings["hot_standby"] = "on"
        with postmaster.running(
            server.bindir / "postgres", home / "data", user=user, settings=settings, at_once=True
        ):
            yield replace(server, host=str(home), data=home / "data")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _settings(server: embedded.Server) -> dict[str, str]:
    """Return what a running server was started with."""
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    words = psutil.Process(pid).cmdline()
    said = (words[at + 1].partition("=") for at, word in enumerate(words) if word == "-c")
    return {name: value for name, _, value in said}
