"""Tables and indexes looked through page by page, with pg_amcheck."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from psycopg import conninfo, sql

from ops import database
from ops.backups import Problem

# What pg_amcheck says of one relation.
_SAID = re.compile(r'^(?:pg_amcheck: )?(heap|btree) (?:table|index) "([^"]+)"', re.MULTILINE)
_JOBS = "2"


def look(dsn: str, *, bindir: Path, heapallindexed: bool) -> tuple[Problem, ...]:
    """Look through every table and index of a database that may be written to, and return what is damaged.

    The extension amcheck is made in it where it is not there.

    Raises:
        CheckFailed: the extension cannot be made.
        Unavailable: the connection is lost.
    """
    with database.connect(dsn) as connection, database.translating():
        connection.execute("set default_transaction_read_only = off")
        connection.execute(sql.SQL("create extension if not exists amcheck"))
    parts = conninfo.conninfo_to_dict(dsn)
    command = [
        *(str(bindir / "pg_amcheck"), "-j", _JOBS, "-h", str(parts["host"]), "-p", str(parts["port"])),
        *("-U", str(parts["user"]), "-d", str(parts["dbname"]), "--no-password"),
        *(("--heapallindexed",) if heapallindexed else ()),
    ]
    environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", "")}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        return ()
    said = f"{ended.stdout}{ended.stderr}".strip()
    return tuple(_problems(said)) or (_problem("pages", said),)


def _problems(said: str) -> list[Problem]:
    parts = _SAID.split(said)[1:]
    found: dict[str, Problem] = {}
    for kind, name, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        found.setdefault(name, _problem(f"{kind} {name}", " ".join(text.strip(" :,\n").split())))
    return list(found.values())


def _problem(name: str, said: str) -> Problem:
    return Problem(
        kind="page-damaged",
        object=name,
        said=f"{name} is damaged: {said[:400]}",
        todo="If production has it too, mend it there (REINDEX, or an older backup); else the backup has it.",
    )
