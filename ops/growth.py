"""How many rows tables have before and after a deploy, and whether that is what a deploy does to them.

Source: deploy-gate.md, "Confirm Supabase row growth".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql
from pydantic import BaseModel, ConfigDict

from ops import database, errors, looking, settings
from ops.app_tables import Table, Tables
from ops.evidence import Evidence
from ops.looking import Look
from ops.settings import Expectation

DEFAULTS: Mapping[str, Expectation] = {
    "logs": Expectation.UP,
    "chat_history": Expectation.UP,
    "connections": Expectation.NOT_DOWN,
}
_KEY = "integrity.growth"
# So many tables are counted by one statement: few journeys to the server, and few locks at a time.
_TOGETHER = 100


class Grown(BaseModel):
    """What the number of rows of one table did; `after` is `None` where the table is gone."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    table: str
    expected: Expectation
    before: int | None
    after: int | None
    ok: bool


class Growth(Evidence):
    """The number of rows of each table before and after, beside what was expected."""

    tables: tuple[Grown, ...] = ()


def expectations(connection: database.Connection, wanted: settings.Integrity) -> dict[str, Expectation]:
    """Return what is expected of which tables: the usual ones that are there, and those of the configuration.

    Raises:
        Refused: a configured table does not exist.
        Unavailable: the connection is lost.
    """
    with database.translating():
        return expected(Tables.read(connection, columns=False, left_out=wanted.leave_out), wanted)


def expected(tables: Tables, wanted: settings.Integrity) -> dict[str, Expectation]:
    """Return what is expected of which tables, by `schema.name`.

    Raises:
        Refused: a configured table does not exist.
    """
    usual = {str(table): what for name, what in DEFAULTS.items() if (table := tables.named(name))}
    return usual | {str(tables.table(name, key=_KEY)): what for name, what in wanted.growth.items()}


def absent(connection: database.Connection, wanted: settings.Integrity) -> tuple[str, ...]:
    """Return which tables are to be watched and are not there: what is deployed may make them."""
    with database.translating():
        tables = Tables.read(connection, columns=False, left_out=wanted.leave_out)
    return tuple(name for name in dict.fromkeys((*DEFAULTS, *wanted.growth)) if not tables.has(name))


def without(wanted: settings.Integrity, names: Collection[str]) -> settings.Integrity:
    """Return what is configured, with no growth of these tables."""
    kept = {name: what for name, what in wanted.growth.items() if name not in names}
    return wanted.model_copy(update={"growth": kept})


def made(connection: database.Connection, names: Iterable[str]) -> frozenset[str]:
    """Return those that were absent and are there now, by `schema.name`."""
    with database.translating():
        tables = Tables.read(connection, columns=False)
    return frozenset(str(tables.table(name, key=_KEY)) for name in names if tables.has(name))


def count(
    connection: database.Connection,
    tables: Iterable[str],
    *,
    statement_timeout: timedelta = looking.STATEMENT_TIMEOUT,
    lock_timeout: timedelta = looking.LOCK_TIMEOUT,
) -> dict[str, int]:
    """Count the rows of tables, exactly and at one moment, and return them by `schema.name`.

    Raises:
        Refused: a table does not exist, or cannot be counted (no right to it, locked, too slow).
        Unavailable: the connection is lost.
    """
    with looking.at(connection, statement_timeout=statement_timeout, lock_timeout=lock_timeout) as look:
        found = Tables.read(connection, columns=False)
        chosen = list(dict.fromkeys(found.table(name, key=_KEY) for name in tables))
        counts: dict[str, int] = {}
        for first in range(0, len(chosen), _TOGETHER):
            counts |= _counted(look, chosen[first : first + _TOGETHER])
    if look.unseen:
        said = " ".join(f"{each.object}: {each.reason}" for each in look.unseen)
        raise errors.Refused(
            f"{len(look.unseen)} tables cannot be counted, so growth cannot be judged. {said}"
        )
    return counts


def _counted(look: Look, tables: Sequence[Table]) -> dict[str, int]:
    try:
        (row,) = look.tried(_counting(tables))
        return dict(zip(map(str, tables), row, strict=True))
    except psycopg.Error as error:
        if look.connection.closed or error.sqlstate is None:
            raise
    # One of them says no: each by itself, so that it is named.
    answers = {str(table): look.ask("count", str(table), _counting([table])) for table in tables}
    return {name: rows[0][0] for name, rows in answers.items() if rows}


def _counting(tables: Sequence[Table]) -> sql.Composed:
    counts = (sql.SQL("(select pg_catalog.count(*) from {})").format(table.rows) for table in tables)
    return sql.SQL("select {}").format(sql.SQL(", ").join(counts))


def compare(
    before: Mapping[str, int] | None,
    after: Mapping[str, int],
    expected: Mapping[str, Expectation],
    *,
    new: Collection[str] = (),
) -> Growth:
    """Judge the counts of two looks by what is expected of each table; those that are `new` began with no rows.

    Raises:
        Refused: there is no baseline, or it lacks a table of which something is expected.
    """
    judged = {name: what for name, what in expected.items() if what is not Expectation.ANY}
    lacking = [name for name in judged if name not in (before or {}) and name not in new]
    if before is None or lacking:
        raise errors.Refused(
            f"There is no baseline {f'of {_listed(lacking)} ' if before is not None else ''}from before the deploy, so "
            "growth cannot be judged. Run the gate before the deploy, and again after it under the same deploy id."
        )
    found = tuple(
        _grown(name, what, before.get(name), after.get(name)) for name, what in sorted(expected.items())
    )
    wrong = [each for each in found if not each.ok]
    begun = [each.table for each in found if each.table in new and each.before is None]
    said = f" Not there before the deploy, so counted from none: {_listed(begun)}." if begun else ""
    return Growth(
        ok=not wrong, summary=_summary(found, wrong) + said, rows=tuple(map(_row, found)), tables=found
    )


def _grown(name: str, expected: Expectation, before: int | None, after: int | None) -> Grown:
    return Grown(
        table=name, expected=expected, before=before, after=after, ok=_holds(expected, before, after)
    )


def _holds(expected: Expectation, before: int | None, after: int | None) -> bool:
    if expected is Expectation.ANY:
        return True
    if after is None:
        return False
    if expected is Expectation.SAME:
        return before is None or after == before
    return after > (before or 0) if expected is Expectation.UP else after >= (before or 0)


def _summary(found: Sequence[Grown], wrong: Sequence[Grown]) -> str:
    if not found:
        return "No table is expected to grow, so no growth was judged."
    if not wrong:
        return f"The rows of {_listed([each.table for each in found])} did what was expected of them."
    return f"Not as expected: {'; '.join(map(_said, wrong))}."


def _said(each: Grown) -> str:
    if each.after is None:
        return f"{each.table} had {each.before:,} rows and was not counted again"
    words = {Expectation.UP: "up", Expectation.NOT_DOWN: "not down", Expectation.SAME: "the same"}
    return (
        f"{each.table} went from {each.before or 0:,} to {each.after:,} rows, expected {words[each.expected]}"
    )


def _row(each: Grown) -> dict[str, Any]:
    return {
        "table": each.table,
        "before": each.before,
        "after": each.after,
        "expected": each.expected.value,
        "ok": each.ok,
    }


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
