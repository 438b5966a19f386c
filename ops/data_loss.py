"""What data a rollback script takes away, as far as it says so: tables, columns and rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import postgast
import psycopg
from google.protobuf.message import DecodeError
from psycopg import sql

from ops import database
from ops.statements import Script, Statement

_DROPS_ALL = {"OBJECT_TABLE": "table", "OBJECT_MATVIEW": "materialized view"}


@dataclass(frozen=True, slots=True)
class Loss:
    """A table, or a column of it, that goes; `name` is its parts as they stand in the script."""

    name: tuple[str, ...]
    column: str | None = None
    how: str = "dropped"

    def __str__(self) -> str:
        return ".".join((*self.name, *([self.column] if self.column else [])))


def find(script: Script) -> tuple[Loss, ...]:
    """Return what a script takes away."""
    return tuple(dict.fromkeys(loss for statement in script.statements for loss in _of(statement)))


def unread(script: Script) -> bool:
    """Whether the script holds blocks, calls or words that cannot be read for what they take away."""
    kinds = {statement.kind for statement in script.statements}
    return bool(script.parse_error or script.meta_commands or kinds & {"do_stmt", "call_stmt", "select_stmt"})


def count(connection: database.Connection, loss: Loss) -> str:
    """Say how many rows go: exactly, or nothing where the table is not there or cannot be counted in time."""
    what = sql.SQL("count({})").format(sql.Identifier(loss.column)) if loss.column else sql.SQL("count(*)")
    query = sql.SQL("select {} from {}").format(what, sql.Identifier(*loss.name))
    try:
        with connection.transaction():
            connection.execute("set local statement_timeout = '20s'")
            ((rows,),) = connection.execute(query).fetchall()
    except psycopg.Error as error:
        if connection.closed:
            raise database.translated(error) from None
        return f"not counted ({error.diag.message_primary})"
    return f"{rows:,} values" if loss.column else f"{rows:,} rows"


def _of(statement: Statement) -> Iterator[Loss]:
    try:
        found = postgast.parse(statement.text).stmts
    except (postgast.PgQueryError, DecodeError):
        return
    node: Any = getattr(found[0].stmt, statement.kind) if found and statement.kind else None
    if statement.kind == "drop_stmt":
        kind = postgast.pg_query_pb2.ObjectType.Name(node.remove_type)
        if kind in _DROPS_ALL:
            yield from (Loss(tuple(part.string.sval for part in item.list.items)) for item in node.objects)
        elif kind == "OBJECT_SCHEMA":
            yield from (Loss((item.string.sval, "*"), how="dropped with its schema") for item in node.objects)
    elif statement.kind == "alter_table_stmt":
        dropped = (item.alter_table_cmd for item in node.cmds)
        for command in dropped:
            if command.subtype == postgast.pg_query_pb2.AT_DropColumn:
                yield Loss(_named(node.relation), command.name)
    elif statement.kind == "truncate_stmt":
        yield from (Loss(_named(item.range_var), how="emptied") for item in node.relations)
    elif statement.kind in ("delete_stmt", "update_stmt"):
        yield Loss(_named(node.relation), how="rows deleted or changed")


def _named(relation: Any) -> tuple[str, ...]:
    return tuple(part for part in (relation.schemaname, relation.relname) if part)
