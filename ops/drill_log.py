"""The log of all drills: a table that only grows, and a file beside the evidence that a restore does not rewind.

Source: supabase-operations.md, the quarterly restore drill, step 4 (RPO/RTO log).
"""

from __future__ import annotations

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from psycopg.types.json import Jsonb

from ops import database, errors, own_schema, queries


def path(root: Path, environment: str) -> Path:
    """Return the file of an environment's drills below `root`/artifacts/ops."""
    return root / "artifacts" / "ops" / "drills" / f"{quote(environment, safe='')}.jsonl"


def append(root: Path, environment: str, entry: dict[str, Any]) -> Path:
    """Add a drill, whole or not at all; half a line that a killed run has left is taken off.

    Raises:
        Refused: the file cannot be written.
    """
    where = path(root, environment)
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        with where.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            content = file.read()
            whole = content.rfind(b"\n") + 1
            file.truncate(whole)
            if any(line.get("run") == entry["run"] for line in _lines(content[:whole])):
                return where
            file.write(json.dumps(entry, ensure_ascii=False, sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise errors.Refused(
            f"The log of drills cannot be written to {where}: {error.strerror}. Make room, or give the right."
        ) from None
    return where


def read(root: Path, environment: str) -> list[dict[str, Any]]:
    """Return the drills of an environment, from old to new; a line that is none is passed over."""
    where = path(root, environment)
    return _lines(where.read_bytes()) if where.is_file() else []


def prepare(connection: database.Connection) -> None:
    """Make the table where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what its owner can do.
    """
    own_schema.prepare(connection, "drill/prepare", so="the drill is logged in its file alone")


def record(connection: database.Connection, environment: str, entry: dict[str, Any]) -> None:
    """Add a drill to the table in the operated database; a second time changes nothing.

    Raises:
        Refused: the login may not make the table.
        Unavailable: the connection is lost.
    """
    prepare(connection)
    values = {"run": entry["run"], "environment": environment, "entry": Jsonb(entry)}
    with database.translating():
        connection.execute(queries.load("drill/record"), values)


def passed(root: Path, environment: str) -> list[datetime]:
    """Return when drills of an environment that passed ended, by the file."""
    found = (each.get("ended") for each in read(root, environment) if each.get("verdict") == "passed")
    return [at for each in found if (at := _time(each))]


def recorded(connection: database.Connection, environment: str) -> list[datetime]:
    """Return the same by the table in the operated database, to which other machines log too; none without a table.

    Raises:
        CheckFailed: the login may not read it.
        Unavailable: the connection is lost.
    """
    with database.translating():
        ((there,),) = connection.execute("select to_regclass('runbooks.drills') is not null").fetchall()
        if not there:
            return []
        asked = {"environment": environment}
        found = connection.execute(queries.load("drill/recorded"), asked).fetchall()
    return [at for (each,) in found if (at := _time(each))]


def _time(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _lines(content: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in content.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(cast("dict[str, Any]", entry))
    return found
