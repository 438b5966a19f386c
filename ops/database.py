"""Connections to Postgres: opened in one way, and their errors translated once, by SQLSTATE."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from ops import errors, secrets

Connection = psycopg.Connection[TupleRow]

# 08 connection, 53 resources, 57P0x shutdown, 40001 and 40P01 serialization and deadlock, 55P03 lock timeout.
_TRANSIENT_CLASSES = ("08", "53")
_TRANSIENT = {"57P01", "57P02", "57P03", "57P05", "40001", "40P01", "55P03", "58030"}


def connect(
    dsn: str,
    *,
    application: str = "supabase-runbooks",
    autocommit: bool = True,
    timeout: timedelta = timedelta(seconds=10),
    writes: bool = False,
    **settings: Any,
) -> Connection:
    """Open one connection; one that `writes` may do so also where the writes of this database are paused.

    Raises:
        Unavailable: nobody answers at the address, or the server is starting, stopping or full.
        Refused: the server answers and says no (password, database, role, TLS).
    """
    try:
        connection = psycopg.connect(
            dsn,
            autocommit=autocommit,
            application_name=application,
            connect_timeout=max(1, int(timeout.total_seconds())),
            **settings,
        )
        if writes and connection.info.parameter_status("default_transaction_read_only") == "on":
            connection.execute("set default_transaction_read_only = off")
        return connection
    except psycopg.Error as error:
        raise translated(error) from None


def is_transient(sqlstate: str | None) -> bool:
    """Whether the same statement may well succeed when it is tried again."""
    return sqlstate is None or sqlstate in _TRANSIENT or sqlstate.startswith(_TRANSIENT_CLASSES)


def translated(error: psycopg.Error) -> errors.OpsError:
    """Return the one of our errors that says what the caller can do about a driver's error."""
    said = (
        error.diag.message_primary or str(error).strip(),
        error.diag.message_detail,
        error.diag.message_hint,
    )
    text = secrets.redact(". ".join(part.rstrip(".") for part in said if part))
    sqlstate = error.sqlstate
    if sqlstate is None and isinstance(error, psycopg.OperationalError):
        # libpq reports a refused login without SQLSTATE; the server's word stands in the text alone.
        refused = (
            "password authentication failed",
            "does not exist",
            "no pg_hba.conf entry",
            "certificate",
            "does not support SSL",
            "no password supplied",
            "Tenant or user not found",
        )
        kind = errors.Refused if any(word in text for word in refused) else errors.Unavailable
        return kind(text)
    if sqlstate is not None and not is_transient(sqlstate):
        return errors.CheckFailed(f"{sqlstate}: {text}")
    return errors.Unavailable(f"{sqlstate or 'no SQLSTATE'}: {text}")


@contextmanager
def writing(dsn: str, *, application: str) -> Generator[Connection]:
    """Open a login for a record of ours, which may write also where the writes of this database are paused.

    Raises:
        Refused: the server says no, to the login or to a statement.
        Unavailable: nobody answers, or the connection is lost.
    """
    with connect(dsn, application=application, writes=True) as connection, translating():
        yield connection


@contextmanager
def translating() -> Generator[None]:
    """Translate a driver's error that leaves the block."""
    try:
        yield
    except psycopg.Error as error:
        raise translated(error) from None
