"""Soaks as they are journaled in the operated database: what soaks, since when, each look, and the verdict.

A mirror of the record lies with the evidence, since a restore to a point in time rewinds the database.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, LiteralString
from urllib.parse import quote
from uuid import uuid4

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict

from ops import database, errors, own_schema, queries, secrets
from ops.watch_sample import Counters

Verdict = Literal["soaking", "passed", "failed"]
# `unknown`: nobody could look, so that the soak has a gap. `unwatched`: nobody was asked to look.
Status = Literal["holds", "fails", "unknown", "unwatched"]


class Fact(BaseModel):
    """What is kept as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Rule(Fact):
    """One acceptance rule at one look, and where it was looked at."""

    name: str
    status: Status
    said: str
    sources: tuple[str, ...]


class Look(Fact):
    """One look; `counters` are what the next one is compared with."""

    at: datetime
    rules: tuple[Rule, ...]
    new_records: int | None
    counters: Counters

    def having(self, status: Status) -> list[Rule]:
        """Return the rules of this status."""
        return [rule for rule in self.rules if rule.status == status]


class Change(Fact):
    """What soaks: the project's files, and what of them the database says is applied."""

    migrations_digest: str
    overlays_digest: str
    applied: str
    commit: str | None


class Soak(Change):
    """One soak."""

    id: str
    environment: str
    project: str
    began_at: datetime
    last_at: datetime
    ended_at: datetime | None = None
    verdict: Verdict
    said: str
    looks: tuple[Look, ...]

    def is_of(self, change: Change) -> bool:
        """Whether it is this very change that soaks; the commit may move on without it."""
        return all(
            getattr(self, name) == getattr(change, name)
            for name in ("migrations_digest", "overlays_digest", "applied")
        )


def prepare(connection: database.Connection) -> None:
    """Make the table where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what its owner can do.
    """
    own_schema.prepare(connection, "soak/prepare", so="no soak can be recorded")


def read(connection: database.Connection, environment: str, project: str) -> Soak | None:
    """Return the soak that began last, if there is any."""
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            queries.load("soak/read"), {"environment": environment, "project": project}
        ).fetchone()
        return Soak.model_validate(found) if found else None


def begin(
    connection: database.Connection,
    environment: str,
    project: str,
    change: Change,
    look: Look,
    *,
    verdict: Verdict,
    said: str,
) -> bool:
    """Record a soak that begins with this look; say whether it is the one that began."""
    values = {"id": uuid4().hex, "environment": environment, "project": project, **change.model_dump()}
    return _write(
        connection, queries.load("soak/begin"), {**values, **_of(look), "verdict": verdict, "said": said}
    )


def add(connection: database.Connection, soak: Soak, look: Look, *, verdict: Verdict, said: str) -> bool:
    """Add a look and its verdict; say whether it was added, which it is not where the soak has ended meanwhile."""
    values = {"id": soak.id, "verdict": verdict, **_of(look), "said": said}
    return _write(connection, queries.load("soak/look"), values)


def give_up(connection: database.Connection, soak: Soak, *, said: str) -> bool:
    """End a soak in whose place another begins; say whether it was under way."""
    return _write(connection, queries.load("soak/give_up"), {"id": soak.id, "said": said})


def mirror(root: Path, soak: Soak) -> Path:
    """Return the file that mirrors a soak below `root`/artifacts/ops."""
    folder = root / "artifacts" / "ops" / "soaks" / quote(soak.environment, safe="")
    return folder / f"{soak.began_at:%Y%m%dT%H%M%SZ}-{soak.id[:8]}.json"


def write_mirror(root: Path, soak: Soak) -> None:
    """Write what the database says of a soak beside the evidence: the whole file, or none of it.

    Raises:
        Refused: the folder cannot be written.
    """
    path = mirror(root, soak)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    plain = secrets.redact_nested(soak.model_dump(mode="json"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("x", encoding="utf-8") as file:
            file.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise errors.Refused(
            f"The mirror of the soak cannot be written to {path}: {error.strerror}. Name another folder."
        ) from None


def _of(look: Look) -> dict[str, Any]:
    return {"at": look.at, "look": Jsonb(secrets.redact_nested(look.model_dump(mode="json")))}


def _write(connection: database.Connection, text: LiteralString, values: Mapping[str, Any]) -> bool:
    plain = {**values, "said": secrets.redact(str(values["said"]))}
    with database.translating():
        return connection.execute(text, plain).fetchone() is not None
