"""Throw-away databases on somebody's server, copied from a template that its environment names.

A rehearsal that is killed leaves its databases behind. It held a lock under their name; so the next one knows that
nobody uses them any more, and drops them.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import conninfo, sql

from ops import database, errors, queries, secrets
from ops.project import Environment

_IN_USE, _MISSING, _FORBIDDEN, _TAKEN = "55006", "3D000", "42501", "42P04"


@dataclass(frozen=True)
class Databases:
    """The databases of one rehearsal, beside the one that `connection` is to."""

    connection: database.Connection = field(repr=False)
    server_dsn: str = field(repr=False)
    rehearsal: str
    checkpoint: str

    @property
    def bindir(self) -> Path | None:
        """The folder of the server's programs, which are not ours."""
        return None

    def dsn(self, name: str) -> str:
        """Return the DSN of another database of this server."""
        return conninfo.make_conninfo(self.server_dsn, dbname=name)

    def copy(self, source: str, name: str) -> None:
        """Make `name` a copy of `source`, whatever it was before.

        Raises:
            Refused: there is no such source, it has other sessions, or this login may not copy it.
        """
        self.drop(name)
        command = sql.SQL("create database {} template {}")
        try:
            self.connection.execute(command.format(sql.Identifier(name), sql.Identifier(source)))
        except psycopg.Error as error:
            raise self._explained(error, source) from None

    def drop(self, name: str) -> None:
        """Drop a database of this rehearsal, whoever is connected to it; that it is not there is fine."""
        with database.translating():
            self.connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )

    def roles(self) -> frozenset[str]:
        """Return nothing: the roles of this server are not ours to put back."""
        return frozenset()

    def drop_roles(self, *, keep: frozenset[str]) -> None:
        """Leave the roles of this server alone."""

    def _explained(self, error: psycopg.Error, source: str) -> errors.OpsError:
        if error.sqlstate == _IN_USE:
            found = self.connection.execute(queries.load("borrowed/sessions"), {"name": source}).fetchall()
            who = ", ".join(str(name) for (name,) in found) or "sessions that have ended since"
            return errors.Refused(
                f"The template {source} is in use by {who}, and Postgres copies only a database without sessions. "
                "Nothing was started. End them, or name a template that nobody connects to."
            )
        if error.sqlstate == _MISSING:
            return errors.Refused(
                f"There is no database {source} to copy on this server. Nothing was started. "
                "Correct `template` in runbooks.toml."
            )
        if error.sqlstate == _FORBIDDEN:
            return errors.Refused(
                f"This login may not copy {source}: {error.diag.message_primary}. Nothing was started. It needs "
                "CREATEDB, and the template must be its own or marked as one (alter database … is_template true)."
            )
        return database.translated(error)


@contextmanager
def copied(environment: Environment, *, run: str) -> Generator[Databases]:
    """Copy the environment's template under a name of its own; all copies are gone when the block ends.

    Raises:
        Refused: the template cannot be copied; the message says why.
        Unavailable: nobody answers.
    """
    if not (environment.template and environment.database):
        raise errors.Refused(
            f"The environment {environment.name!r} names a template and no database, so it is not known on which "
            "server the template is. Add `database`, the DSN of any other database there."
        )
    dsn = secrets.open_secret(environment.database)
    with database.connect(dsn, application=run) as connection:
        number = uuid4().hex[:12]
        _lock(connection, number)
        _sweep(connection, dsn)
        made = Databases(connection, dsn, f"runbooks_rehearsal_{number}", f"runbooks_checkpoint_{number}")
        try:
            made.copy(environment.template, made.rehearsal)
            yield made
        finally:
            made.drop(made.rehearsal)
            made.drop(made.checkpoint)


def sweep(environment: Environment) -> list[str]:
    """Drop what killed rehearsals left on the server that lends its template, and return the databases' names.

    Raises:
        Refused: the server says no.
        Unavailable: nobody answers.
    """
    dsn = secrets.open_secret(environment.database or "")
    with database.connect(dsn, application="janitor", writes=True) as connection, database.translating():
        return _sweep(connection, dsn)


def _lock(connection: database.Connection, number: str) -> bool:
    found = connection.execute(queries.load("borrowed/lock"), {"name": number}).fetchone()
    return bool(found and found[0])


def _sweep(connection: database.Connection, dsn: str) -> list[str]:
    """Drop what killed rehearsals left here, and return it: the databases whose lock nobody holds."""
    gone: list[str] = []
    for (name,) in connection.execute(queries.load("borrowed/left")).fetchall():
        number = str(name).rsplit("_", 1)[1]
        # The lock is taken by a session of its own, since one session may take its own lock again.
        with database.connect(dsn) as asking:
            if _lock(asking, number):
                connection.execute(
                    sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(str(name)))
                )
                gone.append(str(name))
    return gone
