"""What this tool keeps in the operated database: made where it does not exist yet, in the schema `runbooks`."""

from __future__ import annotations

from ops import database, errors, queries


def prepare(connection: database.Connection, query: str, *, so: str) -> None:
    """Run a query that makes it, which is safe to run twice and at once; `so` is what cannot be done without.

    Raises:
        Refused: the login may not make it; the message says what the database's owner can do.
    """
    try:
        with database.translating():
            connection.execute(queries.load(query))
    except errors.CheckFailed as error:
        role = connection.info.user
        raise errors.Refused(
            f"{role} may not make the schema `runbooks`, so {so} ({error}). Let the database's owner run once: "
            f"create schema if not exists runbooks authorization {role};"
        ) from None
