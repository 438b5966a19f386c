"""The smoke through the app's connection string: one transaction that is rolled back.

Not even a number is used up: what a sequence counts is not rolled back, so the row's own numbers are given, and
where code of the project's own could count (triggers, rules, defaults) the sequences are restarted inside the
transaction first. That makes them new files, which vanish with it, and lets nobody else count in between.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ops import database, errors, queries, triage
from ops.sample_rows import Row
from ops.verdict import Failure
from ops.written_tables import Table

# Above what others count until the restart has the lock.
_HEADROOM = 1_000_000
SWALLOWED = (
    "the change of the row is taken and reads as before, so a trigger or rule swallows what the app changes."
)
# From here on the row could be read.
_READ = {"read back", "changed", "deleted"}
Result = dict[str, Any]


def code(connection: database.Connection, tables: list[Table]) -> list[dict[str, Any]]:
    """Return what runs code of the project's own when a row of these is written; `leaves` may write elsewhere."""
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            queries.load("smoke/code"), {"oids": [table.oid for table in tables]}
        ).fetchall()


def run(
    connection: database.Connection, make: Mapping[Table, Callable[[], Row]]
) -> tuple[list[Result], list[str]]:
    """Write, read, change and delete one row of each table; return what became of it, and what is odd.

    Raises:
        Refused: a row cannot be made up.
        Unavailable: somebody holds a lock that is needed, or the connection is lost.
    """
    results: list[Result] = []
    with _translating():
        with connection.transaction(force_rollback=True):
            connection.execute(queries.load("smoke/limits"))
            rows = {table: made() for table, made in make.items()}
            watched = _protect(connection, [table for row in rows.values() for table in row.tables])
            for table, row in rows.items():
                results.append(_tried(connection, table, row))
        odd = _moved(connection, watched)
        seen = [row for row, found in zip(rows.values(), results, strict=True) if found["came to"] in _READ]
        odd += [
            f"{row.table}: the row of the smoke is still there." for row in seen if _found(connection, row)
        ]
    return results, odd


@contextmanager
def _translating() -> Generator[None]:
    try:
        with database.translating():
            yield
    except errors.Unavailable as error:
        if not str(error).startswith("55P03"):
            raise
        raise errors.Unavailable(
            f"The smoke waited for a lock that somebody else holds, and wrote nothing ({error}). Wait until long "
            "transactions on the app's tables and sequences have ended, then run it again."
        ) from None


def _protect(connection: database.Connection, tables: list[Table]) -> dict[str, int | None]:
    """Restart what could be counted, and return the sequences that are not ours to restart."""
    if not code(connection, tables):
        return {}
    with connection.cursor(row_factory=dict_row) as cursor:
        sequences = cursor.execute(queries.load("smoke/sequences")).fetchall()
    restarts = [_restart(each) for each in sequences if each["owned"]]
    if restarts:
        connection.execute(sql.SQL("; ").join(restarts))
    return {f"{each['schema']}.{each['name']}": each["last"] for each in sequences if not each["owned"]}


def _restart(each: Mapping[str, Any]) -> sql.Composed:
    last = each["start"] if each["last"] is None else each["last"]
    value = last + each["step"] * _HEADROOM
    if not each["lowest"] <= value <= each["highest"]:
        value = last + each["step"]
    value = min(max(value, each["lowest"]), each["highest"])
    return sql.SQL("alter sequence {} restart with {}").format(
        sql.Identifier(each["schema"], each["name"]), sql.Literal(value)
    )


def _moved(connection: database.Connection, watched: Mapping[str, int | None]) -> list[str]:
    if not watched:
        return []
    with connection.cursor(row_factory=dict_row) as cursor:
        now = cursor.execute(queries.load("smoke/sequences")).fetchall()
    last = {f"{each['schema']}.{each['name']}": each["last"] for each in now}
    return [
        f"The sequence {name} went on meanwhile, by the app or by a trigger: it is not this role's to protect."
        for name, before in watched.items()
        if last.get(name) != before
    ]


def _tried(connection: database.Connection, table: Table, row: Row) -> Result:
    if not row.key:
        said = "has neither a primary key nor a free column of text, so that its row cannot be found again"
        return result(table, "DSN", "not written", f"{table} {said}.")
    done = "not written"
    try:
        with connection.transaction():
            insert(connection, row)
            done = "written"
            _expect(connection, row, 1, "was written and cannot be read back: a policy of RLS hides it")
            done = "read back"
            _change(connection, row)
            connection.execute("set constraints all immediate")
            done = "changed"
            if _delete(connection, row) != 1:
                raise errors.CheckFailed(
                    f"{table}: the row can be changed and not deleted; look at its policies."
                )
            _expect(connection, row, 0, "was deleted and is still there")
    except errors.CheckFailed as error:
        return result(table, "DSN", done, str(error))
    except psycopg.Error as error:
        if database.is_transient(error.sqlstate):
            raise
        return result(table, "DSN", done, f"{table}: {database.translated(error)}", _hint(error))
    return result(table, "DSN", "deleted")


def result(table: Table, path: str, done: str, problem: str = "", step: str = "") -> Result:
    """Return what became of a table's row: `done` is how far it came."""
    return {"table": str(table), "path": path, "came to": done, "problem": problem, "next": step}


def _hint(error: psycopg.Error) -> str:
    found = triage.hint(Failure(message="", sqlstate=error.sqlstate)) or ""
    if error.sqlstate in ("23502", "23514", "23505", "22P02"):
        return "Give the smoke a row that the table takes: [deploy.samples.TABLE] in runbooks.toml."
    return "Verify the role's rights and the policies of the table." if error.sqlstate == "42501" else found


def _expect(connection: database.Connection, row: Row, count: int, said: str) -> None:
    if len(_found(connection, row)) != count:
        raise errors.CheckFailed(f"{row.table}: the row {said}.")


def _found(connection: database.Connection, row: Row) -> list[Any]:
    query = sql.SQL("select 1 from {} where {}").format(name(row.table), where(row.identity))
    return connection.execute(query, adapted(row.identity)).fetchall() if row.key else []


def insert(connection: database.Connection, row: Row) -> None:
    """Write a row and those it points to, as they were made up."""
    for parent in row.parents:
        insert(connection, parent)
    columns = sql.SQL(", ").join(map(sql.Identifier, row.values))
    places = sql.SQL(", ").join(sql.Placeholder() for _ in row.values)
    text = sql.SQL("insert into {} ({}) overriding system value values ({})")
    connection.execute(text.format(name(row.table), columns, places), adapted(row.values))


def _change(connection: database.Connection, row: Row) -> None:
    if row.change is None:
        return
    before = _value(connection, row.change, row)
    if _update(connection, row.change, row) != 1:
        raise errors.CheckFailed(f"{row.table}: the row can be read and not changed; look at its policies.")
    if row.is_told_apart and _value(connection, row.change, row) == before:
        raise errors.CheckFailed(f"{row.table}: {SWALLOWED}")


def _value(connection: database.Connection, column: str, row: Row) -> Any:
    query = sql.SQL("select {} from {} where {}").format(
        sql.Identifier(column), name(row.table), where(row.identity)
    )
    return connection.execute(query, adapted(row.identity)).fetchone()


def _update(connection: database.Connection, column: str, row: Row) -> int:
    value = sql.SQL("reverse({}::text)") if row.is_told_apart else sql.SQL("{}")
    text = sql.SQL("update {} set {} = {} where {}").format(
        name(row.table), sql.Identifier(column), value.format(sql.Identifier(column)), where(row.identity)
    )
    return connection.execute(text, adapted(row.identity)).rowcount


def _delete(connection: database.Connection, row: Row) -> int:
    text = sql.SQL("delete from {} where {}").format(name(row.table), where(row.identity))
    return connection.execute(text, adapted(row.identity)).rowcount


def name(table: Table) -> sql.Identifier:
    """Return a table's name, quoted."""
    return sql.Identifier(table.schema, table.name)


def where(identity: Mapping[str, Any]) -> sql.Composed:
    """Return the condition by which a row is found."""
    return sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in identity)


def adapted(values: Mapping[str, Any]) -> list[Any]:
    """Return values as the driver takes them."""
    return [Jsonb(value) if isinstance(value, dict) else value for value in values.values()]
