"""What an interrupted statement left behind: cleaned up, or recognised as finished, before it runs again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import postgast
import tenacity
from psycopg import sql

from ops import database, errors, journal, queries
from ops.execution import StatementFailed
from ops.nature import Nature
from ops.statements import Statement
from ops.verdict import Failure

Found = tuple[bool, list[str]]
PATIENCE = 60.0


def witness(connection: database.Connection, statement: Statement) -> journal.Witness:
    """Return what must be known about the time before a statement, to tell later what it left behind."""
    table = _table(statement)
    if table is None:
        return {}
    found = connection.execute(queries.load("apply/indexes"), table).fetchall()
    return {"indexes": [oid for oid, *_ in found]}


def clean_up(
    connection: database.Connection, statement: Statement, before: journal.Witness, *, file: str
) -> Found:
    """Return whether the statement had finished after all, and what was done about its remains.

    An INVALID index is dropped before it is built again, unless another session is still building it.

    Raises:
        StatementFailed: nobody can know whether the statement had finished.
        Unavailable: another session is still building the index.
    """
    if statement.nature in (Nature.ENDS_ITSELF, Nature.MAY_COMMIT):
        raise StatementFailed(_unknown(statement, file))
    cleaner = _CLEANERS.get(statement.kind)
    return cleaner(connection, _node(statement), before) if cleaner else (False, [])


def sweep(connection: database.Connection, statement: Statement, before: journal.Witness) -> None:
    """Drop the INVALID index that a statement has left by failing.

    Raises:
        Unavailable: another session is building an index there.
    """
    if statement.kind in ("index_stmt", "reindex_stmt"):
        _CLEANERS[statement.kind](connection, _node(statement), before)


def verify(connection: database.Connection, statement: Statement, *, file: str) -> None:
    """Check that the index a statement was to make can be used.

    Raises:
        StatementFailed: IF NOT EXISTS has kept an INVALID one.
    """
    if statement.kind != "index_stmt" or not _node(statement).if_not_exists:
        return
    name = _node(statement).idxname
    found = connection.execute(queries.load("apply/indexes"), _table(statement)).fetchall()
    for _, schema, index, valid, _ in found:
        if index == name and not valid:
            message = (
                f"The index {schema}.{index} exists and is INVALID, since an earlier build of it broke off, and IF NOT "
                f"EXISTS has kept it. Drop it (drop index concurrently {schema}.{index}), then run again."
            )
            raise StatementFailed(
                Failure(message=message, file=file, line=statement.line, column=statement.column)
            )


def _unknown(statement: Statement, file: str) -> Failure:
    return Failure(
        message="An interrupted run had begun this statement, which commits by itself, so that nobody can know how far "
        "it came, and it is not run twice. Look at what it did; then either record the migration as applied (supabase "
        "migration repair --status applied), or make the statement safe to run twice: an edited file begins anew.",
        file=file,
        line=statement.line,
        column=statement.column,
        statement=statement.text[:2000],
    )


def _node(statement: Statement) -> Any:
    return getattr(postgast.parse(statement.text).stmts[0].stmt, statement.kind)


def _table(statement: Statement) -> dict[str, str] | None:
    if statement.kind == "index_stmt" or (
        statement.kind == "reindex_stmt" and _node(statement).HasField("relation")
    ):
        relation = _node(statement).relation
    else:
        return None
    return {"relation": relation.relname, "schema": relation.schemaname}


def _built(connection: database.Connection, node: Any, before: journal.Witness) -> Found:
    """A broken CREATE INDEX: an index that was not there before, of the name that it was to have, if it has one."""
    known = before.get("indexes", [])
    table = {"relation": node.relation.relname, "schema": node.relation.schemaname}
    done, notes = False, list[str]()
    for oid, schema, name, valid, building in _settled(connection, table):
        ours = oid not in known and node.idxname in ("", name)
        if ours and building:
            raise errors.Unavailable(_BUILDING.format(name=f"{schema}.{name}"))
        if ours and valid:
            done = True
            notes.append(f"index {schema}.{name} was finished before the interruption")
        elif ours:
            notes.append(_drop(connection, schema, name))
    return done, notes


def _rebuilt(connection: database.Connection, node: Any, before: journal.Witness) -> Found:
    """A broken REINDEX CONCURRENTLY leaves its own INVALID indexes, called …_ccnew or …_ccold."""
    if not node.HasField("relation"):
        return False, []
    table = {"relation": node.relation.relname, "schema": node.relation.schemaname}
    known = before.get("indexes", [])
    left = [found for found in _settled(connection, table) if found[0] not in known and not found[3]]
    return False, [_drop(connection, schema, name) for _, schema, name, *_ in left]


def _dropped(connection: database.Connection, node: Any, _: journal.Witness) -> Found:
    """DROP INDEX CONCURRENTLY has finished when the index is gone."""
    *schema, name = [part.string.sval for part in node.objects[0].list.items]
    values = {"name": name, "schema": schema[-1] if schema else ""}
    there = connection.execute(queries.load("apply/index_exists"), values).fetchone()
    return (False, []) if there else (True, [f"index {name} was dropped before the interruption"])


def _detached(connection: database.Connection, node: Any, _: journal.Witness) -> Found:
    """DETACH PARTITION CONCURRENTLY stops half way, and is then to be finalized."""
    for command in (item.alter_table_cmd for item in node.cmds):
        partition = getattr(command, "def").partition_cmd
        if partition.concurrent:
            values = {"relation": partition.name.relname, "schema": partition.name.schemaname}
            row = connection.execute(queries.load("apply/detaching"), values).fetchone()
            if row is None:
                return True, [f"partition {partition.name.relname} was detached before the interruption"]
            parent_schema, parent, schema, name, pending = row
            if pending:
                finalize = sql.SQL("alter table {} detach partition {} finalize")
                connection.execute(
                    finalize.format(sql.Identifier(parent_schema, parent), sql.Identifier(schema, name))
                )
                return True, [f"finalized the detaching of {schema}.{name} that an interruption had left"]
    return False, []


def _drop(connection: database.Connection, schema: str, name: str) -> str:
    connection.execute(sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(schema, name)))
    return f"dropped the INVALID index {schema}.{name} that an interruption had left"


_BUILDING = "Another session is still building {name}. Run again when it has ended."


def _settled(connection: database.Connection, table: dict[str, str]) -> list[tuple[Any, ...]]:
    """Return the indexes of a table, once no other session builds one there, or when patience ends."""
    asking = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda found: any(building for *_, building in found)),
        stop=tenacity.stop_after_delay(PATIENCE),
        wait=tenacity.wait_fixed(0.2),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else [],
    )
    return asking(lambda: connection.execute(queries.load("apply/indexes"), table).fetchall())


_CLEANERS: dict[str, Callable[[database.Connection, Any, journal.Witness], Found]] = {
    "index_stmt": _built,
    "reindex_stmt": _rebuilt,
    "drop_stmt": _dropped,
    "alter_table_stmt": _detached,
}
