"""What makes a plain Postgres look like a hosted Supabase project's, from roles to stand-in extensions."""

from __future__ import annotations

from ops import database, queries
from ops.shape.configuration import configure, make_buckets
from ops.shape.elevation import adapted, elevated
from ops.shape.guarding import concerned
from ops.shape.loading import load

__all__ = ["adapted", "concerned", "configure", "elevated", "load", "make_buckets", "stand_ins"]


def stand_ins(connection: database.Connection) -> tuple[str, ...]:
    """Return what in this database only stands in for the real thing, extensions and services, sorted."""
    return tuple(row[0] for row in connection.execute(queries.load("shape/stand_ins")).fetchall())
