"""A pause, or its end, in a process of its own that kills itself at the statement where it is told to."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import psycopg

from ops import errors, incident_latency, incident_writes, incident_writes_end, write_pause
from ops.incident_latency import Act
from ops.incident_writes import Switching
from ops.write_pause import Site
from tests import fix_pause
from tests.polling import wait_until

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload([__name__])


def incident(site: Site, act: Act) -> None:
    """Do what an incident does once its gate is passed."""
    plan = incident_latency.plan(str(site.project.root), "production", act, "every insert waits")
    switching = Switching(plan, site)
    incident_writes.find(switching)
    if switching.due:
        incident_writes.switch(switching)
    assert incident_writes_end.prove(switching).ok
    incident_writes_end.close(switching)


def read_only(site: Site) -> None:
    incident(site, Act.READ_ONLY)


def read_write(site: Site) -> None:
    incident(site, Act.READ_WRITE)


ACTS = {
    "pause": fix_pause.pause,
    "resume": write_pause.resume,
    "read-only": read_only,
    "read-write": read_write,
}


def run(act: str, root: Path, dsn: str, *, at: int = 0) -> int:
    """Do it in another process, which dies before it sends statement `at`; return its exit code."""
    process = _FORKSERVER.Process(target=_live, args=(act, root, dsn, at))
    process.start()
    process.join(120)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def again(act: str, root: Path, dsn: str) -> None:
    """Run it again, once the server has noticed that the killed session is gone."""

    def done() -> bool:
        try:
            ACTS[act](fix_pause.site(root, dsn))
        except errors.Refused as error:
            if "Another run is working" not in str(error):
                raise
            return False
        return True

    wait_until(done, seconds=60)


def _live(act: str, root: Path, dsn: str, at: int) -> None:
    sent = 0
    execute = psycopg.Cursor.execute

    def watched(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal sent
        sent += 1
        if sent == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, query, *arguments, **options)

    psycopg.Cursor.execute = watched  # pyright: ignore[reportAttributeAccessIssue]
    ACTS[act](fix_pause.site(root, dsn, run=f"victim-{at}"))
