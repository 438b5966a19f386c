"""Deploys by their id: commit, times, baseline and what the two phases found, so that these can be two runs.

The record is in the operated database; a mirror of it lies with the evidence, since a restore to a point in
time rewinds the database.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote
from uuid import uuid4

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict

from ops import database, errors, own_schema, queries, secrets


class Deploy(BaseModel):
    """What is recorded of one deploy; `baseline` is `None` until the phase before it has run."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    environment: str
    deploy: str
    project: str
    commit: str | None = None
    began_at: datetime
    deployed_at: datetime | None = None
    restarted_at: datetime | None = None
    baseline: dict[str, Any] | None = None
    pre: dict[str, Any] | None = None
    post: dict[str, Any] | None = None
    rolled_back_at: datetime | None = None
    rollback: dict[str, Any] | None = None

    @property
    def commit_before(self) -> str | None:
        """The commit that the phase before the deploy looked at."""
        found: dict[str, Any] = (self.pre or {}).get("commit") or {}
        return found.get("hash")

    @property
    def over(self) -> str | None:
        """Why no gate can say anything more about what runs, if none can."""
        if self.rolled_back_at is None:
            return None
        why = (self.rollback or {}).get("reason") or "no reason is recorded"
        return f"the app was rolled back from it at {self.rolled_back_at:%Y-%m-%d %H:%M %Z} ({why})"

    @property
    def verdict_before(self) -> str | None:
        """The verdict of the phase before the deploy, if it has come to one."""
        return (self.pre or {}).get("verdict")


def prepare(connection: database.Connection) -> None:
    """Make the tables where they do not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make them; the message says what its owner can do.
    """
    own_schema.prepare(connection, "deploys/prepare", so="no deploy can be recorded")


def read(connection: database.Connection, environment: str, deploy: str) -> Deploy | None:
    """Return what is recorded of a deploy, if anything is."""
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        if cursor.execute(queries.load("deploys/exists")).fetchone() != {"there": True}:
            return None
        found = cursor.execute(
            queries.load("deploys/read"), {"environment": environment, "deploy": deploy}
        ).fetchone()
        return Deploy.model_validate(found) if found else None


def baseline(found: Deploy | None, environment: str, deploy: str, *, root: Path) -> Mapping[str, Any]:
    """Return what was counted before the deploy.

    Raises:
        Refused: nothing was.
    """
    if found and found.baseline is not None:
        return found.baseline
    lost = mirror(root, environment, deploy)
    said = (
        f"its mirror {lost.name} does: was this database restored, or is it another one?"
        if lost.is_file()
        else "run the gate with --phase pre before the next deploy, and after this one as --only auth,schema,smoke."
    )
    raise errors.Refused(
        f"There is no baseline of the deploy {deploy!r} on {environment!r}, so nothing can be compared with before "
        f"it. The database does not know one; {said}"
    )


def record_before(
    connection: database.Connection,
    environment: str,
    deploy: str,
    *,
    project: str,
    commit: str | None,
    baseline: Mapping[str, Any],
    result: Mapping[str, Any],
) -> None:
    """Record a deploy that is about to happen, its baseline and what was found, at once; again until it has happened.

    Raises:
        Refused: it has happened, so its baseline stands.
    """
    values = {
        "project": project,
        "commit": commit,
        "baseline": Jsonb(dict(baseline)),
        "result": Jsonb(secrets.redact_nested(result)),
    }
    if not _write(connection, queries.load("deploys/before"), environment, deploy, values):
        raise errors.Refused(stands(environment, deploy))


def stands(environment: str, deploy: str) -> str:
    """Say that a deploy is done, and what to do."""
    return (
        f"The deploy {deploy!r} on {environment!r} has been recorded as done, so its baseline stands. "
        "Take a new id for the next deploy."
    )


def record_after(
    connection: database.Connection,
    environment: str,
    deploy: str,
    *,
    commit: str | None,
    deployed_at: datetime | None,
    restarted_at: datetime | None,
) -> None:
    """Record that a deploy has happened; a second time it keeps the first one's times, unless they are given."""
    values = {"commit": commit, "deployed_at": deployed_at, "restarted_at": restarted_at}
    _write(connection, queries.load("deploys/after"), environment, deploy, values)


def record_traces(
    connection: database.Connection, environment: str, deploy: str, traces: Mapping[str, int]
) -> None:
    """Add to a deploy's baseline how many rows the gate itself has left in which tables since then."""
    _write(connection, queries.load("deploys/trace"), environment, deploy, {"traces": Jsonb(dict(traces))})


def record_result(
    connection: database.Connection, environment: str, deploy: str, result: Mapping[str, Any]
) -> None:
    """Record what the phase after a deploy found, redacted; one that broke off replaces none that did not."""
    values = {"result": Jsonb(secrets.redact_nested(result)), "whole": result.get("error") is None}
    _write(connection, queries.load("deploys/result"), environment, deploy, values)


def record_rollback(
    connection: database.Connection,
    environment: str,
    deploy: str,
    *,
    project: str,
    at: datetime | None,
    rollback: Mapping[str, Any],
) -> None:
    """Record when and why the app was rolled back, redacted."""
    values = {"project": project, "at": at, "rollback": Jsonb(secrets.redact_nested(rollback))}
    _write(connection, queries.load("deploys/rolled_back"), environment, deploy, values)


def mirror(root: Path, environment: str, deploy: str) -> Path:
    """Return the file that mirrors a deploy below `root`/artifacts/ops."""
    return root / "artifacts" / "ops" / "deploys" / quote(environment, safe="") / f"{deploy}.json"


def write_mirror(connection: database.Connection, environment: str, deploy: str, *, root: Path) -> None:
    """Write what the database says of a deploy beside the evidence: the whole file, or none of it."""
    found = read(connection, environment, deploy)
    if found is None:
        return
    path = mirror(root, environment, deploy)
    plain = secrets.redact_nested(found.model_dump(mode="json"))
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("x", encoding="utf-8") as file:
            file.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise errors.Refused(
            f"The mirror of the deploy cannot be written to {path}: {error.strerror}. Name a folder with --out."
        ) from None


def _write(
    connection: database.Connection,
    text: LiteralString,
    environment: str,
    deploy: str,
    values: Mapping[str, Any],
) -> bool:
    keys = {"environment": environment, "deploy": deploy}
    with database.translating():
        return connection.execute(text, {**keys, **values}).fetchone() is not None
