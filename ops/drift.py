"""Two live schemas compared: what one database has that the other has not, or has otherwise."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ops import comparison, database, errors, logins, queries, schema, secrets, wordings
from ops import dsn as dsns
from ops.evidence import Evidence
from ops.schema import Snapshot
from ops.verdict import Difference


class Side(BaseModel):
    """One of the two databases; `secret` is the name of its connection string, `objects` how many were compared."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    secret: str
    database: str
    role: str
    server_version: str
    server_major: int
    objects: int


class Drift(Evidence):
    """How two schemas differ: `before` of a difference is what the left side has, `after` what the right one has."""

    verdict: Literal["equal", "different"]
    left: Side
    right: Side
    differences: tuple[Difference, ...] = ()
    warnings: tuple[str, ...] = ()


def compare(left: str, right: str) -> Drift:
    """Compare two databases, each the name of a secret that holds its connection string; nothing is written.

    Left out are roles and their settings, which belong to a whole cluster, secrets that one of the two logins is not
    told, and what only one of two major versions has a word for.

    Raises:
        Refused: a secret cannot be opened, a DSN cannot work, or a server says no to the login or to the questions.
        Unavailable: nobody answers, or a lock is in the way.
    """
    sides = [_read(reference) for reference in (left, right)]
    told = all(privileged for _, _, privileged in sides)
    (one, before, _), (other, after, _) = sides
    majors = one.server_major, other.server_major
    alike = (wordings.alike(told_to_both(side, told=told), *majors) for side in (before, after))
    found = comparison.compare(*alike)
    return Drift(
        ok=not found,
        verdict="different" if found else "equal",
        summary=_summary(one, other, found),
        rows=tuple({"object": f"{each.kind} {each.object}", "where": where(each)} for each in found),
        left=one,
        right=other,
        differences=found,
        warnings=_warnings(one, other, told=told, hidden=_may_hide(before) or _may_hide(after)),
    )


def where(difference: Difference) -> Literal["left", "right", "both"]:
    """Return on which side an object is."""
    return "right" if difference.before is None else "left" if difference.after is None else "both"


@contextmanager
def reading(reference: str) -> Generator[database.Connection]:
    """Open a transaction that only reads, all of it as of one moment, in the database that a secret leads to.

    Raises:
        Refused: the secret cannot be opened, the DSN cannot work, or the server says no.
        Unavailable: nobody answers, or a lock is in the way.
    """
    dsn = secrets.open_secret(reference)
    problems = dsns.diagnose(dsn, needs_session=False)
    if problems:
        raise errors.Refused(f"{reference}: {' '.join(problems)}")
    try:
        # Behind a transaction pooler a prepared statement may meet a backend that does not know it.
        with database.connect(dsn, prepare_threshold=None) as connection, database.translating():
            connection.execute("begin isolation level repeatable read read only")
            connection.execute("set local statement_timeout = '2min'")
            yield connection
            connection.execute("rollback")
    except errors.CheckFailed as error:
        raise errors.Refused(f"{reference}: the schema cannot be read. {error}") from None
    except errors.OpsError as error:
        explained = logins.explained(error, dsn, os.environ)
        raise type(explained)(f"{reference}: {explained}") from None


def read(reference: str, connection: database.Connection) -> tuple[Side, Snapshot, bool]:
    """Return what a database is, its schema without what belongs to the cluster, and whether it tells secrets."""
    ((name, role, version, major),) = connection.execute(queries.load("schema/side")).fetchall()
    snapshot = comparison.without_cluster(schema.snapshot(connection))
    side = Side(
        secret=reference,
        database=name,
        role=role,
        server_version=version,
        server_major=major,
        objects=len(snapshot),
    )
    return side, snapshot, schema.is_privileged(connection)


def _read(reference: str) -> tuple[Side, Snapshot, bool]:
    with reading(reference) as connection:
        return read(reference, connection)


def told_to_both(snapshot: Snapshot, *, told: bool) -> Snapshot:
    """Leave out what only a superuser is told, unless both logins are (`told`)."""
    if told:
        return snapshot
    return {key: text for key, text in snapshot.items() if key[0] not in schema.SECRETS}


def _may_hide(snapshot: Snapshot) -> bool:
    return any(kind in {"user mapping", "subscription"} for kind, _ in snapshot)


def _summary(left: Side, right: Side, found: tuple[Difference, ...]) -> str:
    names = f"{left.database} ({left.secret}) and {right.database} ({right.secret})"
    if not found:
        return f"The schemas of {names} are equal: {left.objects:,} objects and parts."
    counts = {side: sum(where(each) == side for each in found) for side in ("left", "right", "both")}
    return (
        f"The schemas of {names} differ in {len(found):,} objects: {counts['left']:,} only left, "
        f"{counts['right']:,} only right, {counts['both']:,} not the same."
    )


def _warnings(left: Side, right: Side, *, told: bool, hidden: bool) -> tuple[str, ...]:
    found: list[str] = []
    if left.server_major != right.server_major:
        found.append(
            f"Left is PostgreSQL {left.server_major}, right is {right.server_major}: what is known of how each says "
            "the same is made alike, and the rest may differ in its words alone. Compare databases of one major "
            "version."
        )
    if not told and hidden:
        found.append(
            "Options of user mappings and connections of subscriptions are not compared: only a superuser may "
            "see them, and not both logins are one."
        )
    return tuple(found)
