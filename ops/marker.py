"""The marker by which a database says that it may be rehearsed on: it is known by that, not by its name.

A rehearsal changes the schema, so it runs in place only on a database that says so itself, or is empty.
"""

from __future__ import annotations

from dataclasses import dataclass

from ops import database, errors, queries

# Schemas that hosted Supabase brings along: a database with only these is still empty.
PLATFORM_SCHEMAS = (
    "_analytics", "_realtime", "_supavisor", "auth", "cron", "extensions", "graphql", "graphql_public", "net",
    "pgbouncer", "pgmq", "pgmq_public", "pgsodium", "pgsodium_masks", "pgtle", "realtime", "storage",
    "supabase_functions", "vault",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Marking:
    """What a database says of itself; `environment` is `None` where it has no marker."""

    environment: str | None
    rehearse: bool
    empty: bool
    shaped: bool
    superuser: bool
    same_database: bool


def read(connection: database.Connection) -> Marking:
    """Read what the database says of itself."""
    with database.translating():
        found = connection.execute(
            queries.load("marker/read"), {"platform": list(PLATFORM_SCHEMAS)}
        ).fetchone()
        has_marker, system_identifier, oid, empty, shaped, superuser = found or (
            False,
            "",
            0,
            False,
            False,
            False,
        )
        said = connection.execute(queries.load("marker/said")).fetchone() if has_marker else None
    environment, rehearse, *identity = said or (None, False, system_identifier, oid)
    return Marking(environment, rehearse, empty, shaped, superuser, identity == [system_identifier, oid])


def write(connection: database.Connection, environment: str, *, rehearse: bool) -> None:
    """Make the database say which environment it is and whether it may be rehearsed on."""
    with database.translating(), connection.transaction():
        connection.execute(queries.load("marker/write"))
        connection.execute(queries.load("marker/set"), {"environment": environment, "rehearse": rehearse})


def verify(connection: database.Connection, environment: str | None) -> Marking:
    """Check that this database may be rehearsed on.

    Raises:
        Refused: it has no marker and is not empty, or its marker says no, or was made for another one.
    """
    marking = read(connection)
    if marking.environment is None and marking.empty:
        return marking
    blocked = "A rehearsal would change its schema, so none was started."
    if marking.environment is None:
        raise errors.Refused(
            f"This database does not say that it may be rehearsed on, and it is not empty. {blocked} "
            "If it is a staging database, mark it: runbooks mark NAME_OF_SECRET --environment NAME."
        )
    if not marking.rehearse:
        raise errors.Refused(
            f"This database says that it is {marking.environment!r} and not to be rehearsed on. {blocked}"
        )
    if not marking.same_database:
        raise errors.Refused(
            f"This database is a copy: its marker was made for another one ({marking.environment!r}). {blocked} "
            "Mark the copy itself, if it may be rehearsed on: runbooks mark NAME_OF_SECRET --environment NAME."
        )
    if environment and marking.environment != environment:
        raise errors.Refused(
            f"This database says that it is {marking.environment!r}, and the environment asked for is "
            f"{environment!r}. {blocked} Mend the DSN or the marker."
        )
    return marking
