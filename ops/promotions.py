"""Promotions as the operated database remembers them: the plan that is under way, and what a later pass needs of it.

A plan that is begun is one of these rows until it has ended: whoever runs the promotion next goes on with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

import psycopg

from ops import database, errors, frozen, own_schema, queries, secrets
from ops.frozen import Frozen
from ops.schema import Delta, Key

Outcome = Literal["promoted", "rolled-back", "abandoned"]


@dataclass
class Begun:
    """The plan that is under way: `before` is the schema that it began on, `expected` the rehearsed change by file.

    `kept` has what one pass keeps for the next; `applied_at` is when everything of the plan was in place.
    """

    id: int
    plan_digest: str
    run: str
    began_at: datetime
    applied_at: datetime | None
    plan: Frozen
    before: dict[Key, str] = field(repr=False)
    expected: dict[str, Delta] = field(repr=False)
    kept: dict[str, Any] = field(default_factory=dict[str, Any])


def prepare(connection: database.Connection) -> None:
    """Make the record where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what the database's owner can do.
    """
    own_schema.prepare(
        connection, "promotions/prepare", so="no promotion can be recorded and none was started"
    )


def under_way(connection: database.Connection, environment: str) -> Begun | None:
    """Return the plan that was begun here and has not ended, if there is one."""
    with database.translating():
        if not _there(connection):
            return None
        found = connection.execute(
            queries.load("promotions/under_way"), {"environment": environment}
        ).fetchone()
    if found is None:
        return None
    number, digest, run, began_at, applied_at, plan, before, expected, kept = found
    return Begun(
        number,
        digest,
        run,
        began_at,
        applied_at,
        Frozen.model_validate(plan),
        frozen.schema_of(before),
        {file: frozen.delta_of(each) for file, each in expected.items()},
        kept,
    )


def begin(
    connection: database.Connection,
    plan: Frozen,
    *,
    run: str,
    before: Mapping[Key, str],
    expected: Mapping[str, Delta],
    kept: Mapping[str, Any],
) -> Begun:
    """Freeze an approved plan as the one that is under way.

    Raises:
        Refused: another one was begun meanwhile.
    """
    values = {
        "environment": plan.environment,
        "plan_digest": plan.digest,
        "run": run,
        "plan": _json(plan.model_dump(mode="json")),
        "before": _json(frozen.plain(before)),
        "expected": _json({file: frozen.plain_delta(delta) for file, delta in expected.items()}),
        "kept": _json(dict(kept)),
    }
    with database.translating():
        try:
            found = connection.execute(queries.load("promotions/begin"), values).fetchone()
        except psycopg.errors.UniqueViolation:
            raise errors.Refused(
                f"Another promotion to {plan.environment!r} was begun meanwhile, so nothing was applied. Start again."
            ) from None
    if found is None:
        raise ValueError("an insert returns its row")
    number, began_at = found
    return Begun(number, plan.digest, run, began_at, None, plan, dict(before), dict(expected), dict(kept))


def keep(connection: database.Connection, begun: Begun, *, applied: bool = False, **said: Any) -> None:
    """Keep what a later pass of this promotion needs, redacted."""
    plain = cast("dict[str, Any]", secrets.redact_nested(said))
    with database.translating():
        found = connection.execute(
            queries.load("promotions/keep"), {"id": begun.id, "kept": _json(plain), "applied": applied}
        ).fetchone()
    begun.kept |= plain
    begun.applied_at = found[0] if found else begun.applied_at


def end(connection: database.Connection, begun: Begun, outcome: Outcome) -> None:
    """End a promotion that is under way; a second time does nothing."""
    with database.translating():
        connection.execute(queries.load("promotions/end"), {"id": begun.id, "outcome": outcome})


def adopted(connection: database.Connection) -> frozenset[str] | None:
    """Return the versions of other hands that earlier plans have taken as they are; None: nothing was ours yet."""
    with database.translating():
        if _there(connection):
            found = connection.execute(queries.load("promotions/adopted")).fetchall()
            if found or _journaled(connection):
                return frozenset(version for (version,) in found)
            return None
        return frozenset[str]() if _journaled(connection) else None


def _journaled(connection: database.Connection) -> bool:
    ((there,),) = connection.execute(
        "select pg_catalog.to_regclass('runbooks.journal') is not null"
    ).fetchall()
    return bool(there) and connection.execute(queries.load("promotions/journaled")).fetchone() == (True,)


def _there(connection: database.Connection) -> bool:
    return connection.execute(queries.load("promotions/exists")).fetchone() == (True,)


def _json(value: object) -> str:
    # Postgres keeps no NUL in JSON.
    return json.dumps(value, default=str).replace("\\u0000", "")
