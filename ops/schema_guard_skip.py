"""Skipping the schema guard: loud, written down, and where it is guarded only after somebody has broken the glass.

Source: database-pipeline.md, "Emergency Bypass".
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ops import database, errors, queries
from ops.audit import Event, Log, Row
from ops.config_settings import SchemaGuard
from ops.project import Environment, Project

GATE = "schema-guard"
_MEANS = {"true": True, "1": True, "false": False, "0": False, "": False}


@dataclass(frozen=True)
class Pair:
    """What app and database say of their schema version; empty where one says none."""

    app: str
    database: str

    @property
    def digest(self) -> str:
        """By which a broken glass is for these two versions and for no others."""
        return hashlib.sha256(json.dumps([GATE, self.app, self.database]).encode()).hexdigest()

    def __str__(self) -> str:
        return f"app {self.app or 'of no version'}, database {self.database or 'of no version'}"


def is_asked(guard: SchemaGuard, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment variable says that the guard is to be skipped.

    Raises:
        Refused: it says something else than yes or no.
    """
    value = (os.environ if environ is None else environ).get(guard.skip_variable, "")
    if value not in _MEANS:
        raise errors.Refused(
            f"{guard.skip_variable} is {value[:60]!r}, which says neither yes nor no, so whether to skip "
            "the schema guard is not known. Set it to true, 1, false or 0, or unset it."
        )
    return _MEANS[value]


def record(
    connection: database.Connection | None,
    project: Project,
    environment: Environment,
    pair: Pair,
    *,
    why: str = "",
) -> str:
    """Write down that the guard was skipped, and return what is said about it; `why` there is no connection.

    Raises:
        Refused: the environment is guarded, and nobody has broken the glass for these versions.
        Unavailable: it is guarded, and what happened cannot be written down.
    """
    said = (
        f"{project.schema_guard.skip_variable} is set, so the schema guard was SKIPPED on {environment.name}: "
        f"{pair}, and nothing was compared."
    )
    if environment.guarded:
        glass = _glass(connection, project, environment, pair)
        return f"{said} {_written(connection, project, environment, pair, said, of=glass.id)} {_told(glass)}"
    if connection is None:
        return f"{said} This is in no audit log: {why or 'there is no database.'}"
    try:
        return f"{said} {_written(connection, project, environment, pair, said)}"
    except errors.OpsError as error:
        return f"{said} This is in no audit log: {error}"


def _glass(
    connection: database.Connection | None, project: Project, environment: Environment, pair: Pair
) -> Row:
    """Return the broken glass that lets the guard of a guarded environment be skipped."""
    name, variable = environment.name, project.schema_guard.skip_variable
    refused = f"The environment {name!r} is guarded, so {variable} skips nothing there"
    if connection is None or not environment.break_glass or not environment.audit_key:
        raise errors.Refused(
            f"{refused}: it has no glass to break. That takes its database, break_glass = true, audit_key and "
            "approvers in runbooks.toml; or let the versions fit."
        )
    log = Log.of(environment, project.root, connection)
    found = [row for row in _rows(log, pair) if _proven(row, name)]
    if not found:
        raise errors.Refused(
            f"{refused} before somebody has broken the glass for {pair}: runbooks guard PATH --environment "
            f"{name} --break-glass REASON --as NAME. Better: let the versions fit."
        )
    glass = found[-1]
    if glass.hashed(log.key) != glass.hash:
        raise errors.Refused(
            f"{refused}: row {glass.id} of the audit log was changed, or hashed with another key. "
            "Look: runbooks audit verify."
        )
    if log.now() > glass.at + environment.approval_window:
        raise errors.Refused(
            f"{refused}: {glass.actor} broke the glass longer ago than the environment's approval_window. "
            "Let the versions fit, or break it anew."
        )
    return glass


def _proven(row: Row, environment: str) -> bool:
    # Two environments may lie in one database.
    return (row.event, row.proof, row.environment) == ("break-glass", "totp", environment)


def _rows(log: Log, pair: Pair) -> list[Row]:
    asked = {"run": "", "gate": GATE, "plan_digest": pair.digest}
    with database.translating():
        ((exists, _),) = log.connection.execute(queries.load("audit/guarded")).fetchall()
        found = log.connection.execute(queries.load("audit/record"), asked).fetchall() if exists else []
    return [Row(*columns) for columns in found]


def _written(
    connection: database.Connection | None,
    project: Project,
    environment: Environment,
    pair: Pair,
    said: str,
    *,
    of: int | None = None,
) -> str:
    if connection is None:
        raise errors.Refused("There is no database.")
    log = Log.of(environment, project.root, connection)
    log.prepare()
    details: dict[str, Any] = {**asdict(pair), "host": socket.gethostname(), "of": of}
    row = log.append(Event("skipped", environment.name, "", GATE, pair.digest, note=said, details=details))
    return f"It is row {row.id} of the audit log."


def _told(glass: Row) -> str:
    return f"{glass.actor} broke the glass for it (row {glass.id}): {glass.note}"
