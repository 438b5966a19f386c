"""What is kept of an erasure: a keyed hash of the subject, which plan, how many rows; nothing that is the subject's.

The row is written in the transaction that erases, so that a run that was killed behind it knows that it has.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict

from ops import database, errors, own_schema, queries, secrets
from ops.audit import Event, Log
from ops.erasure_settings import Erasure
from ops.project import Environment, Project

EVENT = "erased"
_SHOWN = 16


class Erased(BaseModel):
    """An erasure that has taken place; `counts` are rows by table and action."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    run: str
    plan_digest: str
    counts: dict[str, int]
    at: datetime


def subject_hash(wanted: Erasure, where: Environment, value: str) -> str:
    """Return by what a subject is named in every record: nobody finds the value by trying values without the key.

    Raises:
        Refused: there is no key, or its secret cannot be opened.
    """
    named = wanted.key or where.audit_key
    if named is None:
        raise errors.Refused(
            "There is no key under which the subject could be named without saying who it is. Say the secret of one: "
            f"key in [erasure], or audit_key in [environments.{where.name}]."
        )
    said = f"{wanted.table}\0{wanted.lookup}\0{value}"
    return hmac.new(secrets.open_secret(named).encode(), said.encode(), hashlib.sha256).hexdigest()[:_SHOWN]


def prepare(connection: database.Connection) -> None:
    """Make the table where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what its owner can do.
    """
    own_schema.prepare(
        connection, "erasure/prepare", so="no erasure could be recorded and nothing was erased"
    )


def newest(connection: database.Connection, where: Environment, subject: str, run: str) -> Erased | None:
    """Return the last erasure of this subject here, that of this run before any other."""
    ((there,),) = connection.execute(queries.load("erasure/exists")).fetchall()
    if not there:
        return None
    asked = {"subject": subject, "environment": where.name, "run": run}
    with connection.cursor(row_factory=class_row(Erased)) as cursor:
        return cursor.execute(queries.load("erasure/newest"), asked).fetchone()


def keep(
    connection: database.Connection,
    where: Environment,
    *,
    subject: str,
    run: str,
    plan_digest: str,
    counts: Mapping[str, int],
) -> None:
    """Keep that a subject is erased, in the caller's transaction."""
    values = {"environment": where.name, "subject": subject, "run": run, "plan_digest": plan_digest}
    connection.execute(queries.load("erasure/keep"), {**values, "counts": Jsonb(dict(counts))})


def log(dsn: str, operated: Project, where: Environment, *, subject: str, gate: str, found: Erased) -> bool:
    """Write the completion to the audit log, once for a run; false where it says so already.

    Raises:
        Refused: the login may not make the log, or its key cannot be opened.
        Unavailable: the database does not answer, or the copy of the log cannot be written.
    """
    with database.connect(dsn, application=f"{found.run} (audit)"[:63], writes=True) as connection:
        audit = Log.of(where, operated.root, connection)
        audit.prepare()
        with database.translating():
            ((said,),) = connection.execute(queries.load("erasure/logged"), {"run": found.run}).fetchall()
        if said:
            audit.mirror()
            return False
        details = {"subject": subject, "counts": found.counts, "at": found.at.isoformat()}
        note = f"the subject {subject} was erased"
        audit.append(Event(EVENT, where.name, found.run, gate, found.plan_digest, note=note, details=details))
        return True
