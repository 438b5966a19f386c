"""What the database says was applied: the Supabase CLI's own history table, beside our journal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import postgast

from ops import database, errors, queries

_COMMENTS = {"SQL_COMMENT", "C_COMMENT"}


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of the history.

    `statements` are those the tool that applied it stored, None where it stored none or where the journal
    already says that the file is the same; `sha256` is the journal's, None without a journal row.
    """

    version: str
    name: str
    statements: tuple[str, ...] | None
    sha256: str | None
    journaled: bool


@dataclass(frozen=True, slots=True)
class History:
    """The rows in the order of their versions; (file, SHA-256) of what an interrupted run has begun."""

    applied: tuple[Applied, ...] = ()
    begun: frozenset[tuple[str, str]] = frozenset()


def read(connection: database.Connection, hashes: Mapping[str, str]) -> History:
    """Return what was applied, nothing where there is no history table.

    `hashes` are the local files' SHA-256 by version. Three round trips, whatever the number of rows.

    Raises:
        Refused: the table is there and this role may not read it.
    """
    with database.translating():
        there, journal = _presence(connection)
        if not there:
            return History()
        name = "inventory/history_and_journal" if journal else "inventory/history"
        rows = connection.execute(queries.load(name), {"hashes": json.dumps(dict(hashes))}).fetchall()
        begun = connection.execute(queries.load("inventory/begun")).fetchall() if journal else []
    return History(
        applied=tuple(_applied(*row) for row in rows),
        begun=frozenset((file, sha256) for file, sha256 in begun),
    )


def same_statements(text: str, stored: tuple[str, ...]) -> bool:
    """Whether a file's text says what the stored statements say, however split, spaced or commented."""
    other = ";\n".join(stored)
    if _squeezed(text) == _squeezed(other):
        return True
    words, others = _words(text), _words(other)
    return words is not None and words == others


def _presence(connection: database.Connection) -> tuple[bool, bool]:
    found = connection.execute(queries.load("inventory/presence")).fetchall()
    for name, there, readable, role in found:
        if there and not readable:
            raise errors.Refused(
                f"The role {role!r} may not read {name}, so what is applied cannot be known. Log in as the "
                "role that applies migrations (postgres), or grant it USAGE and SELECT there."
            )
    history, journal = (there for _, there, _, _ in found)
    return history, journal


def _applied(
    version: str, name: str, statements: list[Any] | None, sha256: str | None, journaled: bool
) -> Applied:
    stored = None if statements is None else tuple(str(text) for text in statements if text is not None)
    return Applied(version, name, stored, sha256, journaled)


def _squeezed(text: str) -> str:
    return "".join(text.removeprefix("\ufeff").replace(";", " ").split())


def _words(text: str) -> list[bytes] | None:
    data = text.removeprefix("\ufeff").encode()
    try:
        tokens = postgast.scan(data.decode()).tokens
    except postgast.PgQueryError:
        return None
    comments = {postgast.pg_query_pb2.Token.Value(name) for name in _COMMENTS}
    words = (data[token.start : token.end] for token in tokens if token.token not in comments)
    return [word for word in words if word != b";"]
