"""A re-upload in a process of its own that kills itself at the statement or request where it is told to."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg
import rich.prompt

from flows.incident_storage import incident_storage as runbook
from ops import (
    incident_storage,
    incident_storage_act,
    incident_storage_backup,
    incident_storage_end,
    incident_storage_looks,
    incident_storage_uploads,
    queries,
)
from ops.incident_storage import Act
from ops.incident_storage_uploads import Uploads

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload([__name__])


def run(project: Path, *, at: int = 0) -> int:
    """Do it in another process, which dies before it sends number `at` of what it sends in the act."""
    process = _FORKSERVER.Process(target=_live, args=(project, at))
    process.start()
    process.join(120)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def run_whole(project: Path, act: Act = Act.RE_UPLOAD, *, before: Sequence[str]) -> int:
    """Run the whole runbook in another process, which dies before it sends the last of these queries in this order."""
    process = _FORKSERVER.Process(target=_live_whole, args=(project, act, before))
    process.start()
    process.join(120)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def upload(project: Path, name: str = "again", *, at: int = 0) -> Uploads:
    """Do what a run does once its gate is passed."""
    plan = incident_storage.plan(
        str(project), "production", Act.RE_UPLOAD, "evidence is missing", whole=False
    )
    with incident_storage.opened(plan, name) as found:
        incident_storage_looks.check_objects(found)
        incident_storage_backup.check_backup(found)
        uploads = Uploads(found)
        incident_storage_uploads.find(uploads)
        if uploads.due:
            if at:
                _die(at)
            assert incident_storage_act.act(uploads, lambda *_: None).ok
            assert incident_storage_end.prove(uploads).ok
            with uploads.connected() as connection:
                incident_storage_uploads.end(uploads, connection)
        return uploads


def _live(project: Path, at: int) -> None:
    upload(project, f"victim-{at}", at=at)


def _live_whole(project: Path, act: Act, before: Sequence[str]) -> None:
    answers = itertools.cycle(["approve", "ada", ""])
    sys.stdin = Path(os.devnull).open()  # noqa: SIM115
    sys.stdin.isatty = lambda: True
    rich.prompt.Prompt.ask = lambda *_, **__: next(answers)  # pyright: ignore[reportAttributeAccessIssue]
    awaited, execute = [queries.load(each) for each in before], psycopg.Cursor.execute

    def executing(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        if query == awaited[0]:
            awaited.pop(0)
        if not awaited:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(self, query, *arguments, **options)

    psycopg.Cursor.execute = executing  # pyright: ignore[reportAttributeAccessIssue]
    runbook.fn(str(project), "production", act, "evidence is missing", False)


def _die(at: int) -> None:
    sent = 0
    execute, send = psycopg.Cursor.execute, httpx.Client.send

    def count() -> None:
        nonlocal sent
        sent += 1
        if sent == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def executing(self: Any, *arguments: Any, **options: Any) -> Any:
        count()
        return execute(self, *arguments, **options)

    def sending(self: Any, *arguments: Any, **options: Any) -> Any:
        count()
        return send(self, *arguments, **options)

    psycopg.Cursor.execute = executing  # pyright: ignore[reportAttributeAccessIssue]
    httpx.Client.send = sending  # pyright: ignore[reportAttributeAccessIssue]
