"""Which objects a migration insists on making: one that exists already betrays a partial apply.

`IF NOT EXISTS` and `OR REPLACE` insist on nothing, and what an earlier statement drops or renames may well
exist, and what goes with it. Names that SQL computes are not seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import postgast
from google.protobuf.message import DecodeError

from ops import database, queries
from ops.statements import Statement

# What the platform makes itself: that it exists says nothing about a project's migration.
_PLATFORM = frozenset(
    {"auth", "cron", "extensions", "graphql", "graphql_public", "net", "pgbouncer", "pgmq", "pgsodium"}
    | {"pgsodium_masks", "realtime", "storage", "supabase_functions", "supabase_migrations", "vault"}
)
_DEPENDENT = frozenset({"view", "function", "column", "index", "constraint", "policy", "trigger"})
_OF_COLUMNS = frozenset({"index", "constraint"})
_ANY_COLUMN = ""
_DROPPING = (postgast.pg_query_pb2.AT_DropColumn, postgast.pg_query_pb2.AT_DropConstraint)
_UNPLACED = re.compile(r"search_path", re.IGNORECASE)
_REMOVES = re.compile(r"\b(drop|rename)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Creation:
    """An object by its name in the catalog; `on` is the table of a column, index, policy, trigger or constraint.

    `schema` is None for an unqualified name; `arguments` are the type names of a function's input.
    """

    kind: str
    schema: str | None
    name: str
    on: str | None = None
    arguments: tuple[str, ...] | None = None

    def __str__(self) -> str:
        place = ".".join(part for part in (self.schema, self.on or self.name) if part)
        return f"{self.kind} {self.name} on {place}" if self.on else f"{self.kind} {place}"


@dataclass
class Reader:
    """Reads files in the order in which they would run, and remembers what they took away so far."""

    _gone: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])
    _dragged: set[str] = field(default_factory=set[str])
    _blocks: list[str] = field(default_factory=list[str])

    def creations(self, statements: Iterable[Statement]) -> tuple[Creation, ...]:
        """Return what a file's statements insist on creating, as far as it may not exist before."""
        found: list[Creation] = []
        placed = True
        for statement in statements:
            placed = placed and not (statement.kind in _SETTERS and _UNPLACED.search(statement.text))
            if statement.kind == "do_stmt" and _REMOVES.search(statement.text):
                self._blocks.append(statement.text)
            reader = _READERS.get(statement.kind)
            node = _parsed(statement) if reader or statement.kind in _REMOVERS else None
            if node is None:
                continue
            # ALTER TABLE drops before it adds, in whatever order it says so.
            self._gone.update(_removed(statement.kind, node))
            self._dragged.update(_dragged(statement.kind, node))
            if reader:
                found += [made for made in reader(node) if self._counts(made, placed=placed)]
        return tuple(found)

    def _counts(self, made: Creation, *, placed: bool) -> bool:
        own = made.kind not in ("policy", "trigger")
        if (made.schema is None and not placed) or (own and made.schema in _PLATFORM):
            return False
        if made.kind in self._dragged or (made.kind == "schema" and made.name in _PLATFORM):
            return False
        names = {(made.schema or "",), (made.on or made.name,), (made.on or "", made.name)}
        if made.kind in _OF_COLUMNS:
            names |= {(made.name,), (made.on or "", _ANY_COLUMN)}
        return not (names & self._gone) and not any(made.name in block for block in self._blocks)


def existing(connection: database.Connection, creations: Sequence[Creation]) -> frozenset[int]:
    """Return the indexes of the creations whose objects exist; one round trip, none for none."""
    if not creations:
        return frozenset()
    objects = [
        {
            "id": index,
            "kind": c.kind,
            "schema": c.schema,
            "name": c.name,
            "on": c.on,
            "arguments": c.arguments,
        }
        for index, c in enumerate(creations)
    ]
    with database.translating():
        rows = connection.execute(
            queries.load("inventory/existing"), {"objects": json.dumps(objects)}
        ).fetchall()
    return frozenset(index for (index,) in rows)


def _parsed(statement: Statement) -> Any:
    try:
        found = postgast.parse(statement.text).stmts
    except (postgast.PgQueryError, DecodeError):
        return None
    return getattr(found[0].stmt, statement.kind) if found else None


def _relation(kind: str, relation: Any) -> Iterator[Creation]:
    if relation.relname and relation.relpersistence != "t":
        yield Creation(kind, relation.schemaname or None, relation.relname)


def _table(node: Any) -> Iterator[Creation]:
    if not node.if_not_exists:
        yield from _relation("table", node.relation)


def _table_as(node: Any) -> Iterator[Creation]:
    if not node.if_not_exists:
        yield from _relation("table", node.into.rel)


def _view(node: Any) -> Iterator[Creation]:
    if not node.replace:
        yield from _relation("view", node.view)


def _sequence(node: Any) -> Iterator[Creation]:
    if not node.if_not_exists:
        yield from _relation("sequence", node.sequence)


def _index(node: Any) -> Iterator[Creation]:
    if node.idxname and not node.if_not_exists:
        yield Creation("index", node.relation.schemaname or None, node.idxname, on=node.relation.relname)


def _schema(node: Any) -> Iterator[Creation]:
    if node.schemaname and not node.if_not_exists:
        yield Creation("schema", None, node.schemaname)


def _policy(node: Any) -> Iterator[Creation]:
    yield Creation("policy", node.table.schemaname or None, node.policy_name, on=node.table.relname)


def _trigger(node: Any) -> Iterator[Creation]:
    if not node.replace:
        yield Creation("trigger", node.relation.schemaname or None, node.trigname, on=node.relation.relname)


def _named_type(names: Any) -> Iterator[Creation]:
    *schema, name = [part.string.sval for part in names]
    yield Creation("type", schema[-1] if schema else None, name)


def _composite(node: Any) -> Iterator[Creation]:
    yield Creation("type", node.typevar.schemaname or None, node.typevar.relname)


def _function(node: Any) -> Iterator[Creation]:
    if node.replace:
        return
    *schema, name = [part.string.sval for part in node.funcname]
    out = (postgast.pg_query_pb2.FUNC_PARAM_OUT, postgast.pg_query_pb2.FUNC_PARAM_TABLE)
    inputs = [p.function_parameter for p in node.parameters if p.function_parameter.mode not in out]
    if not any(parameter.arg_type.pct_type for parameter in inputs):
        types = tuple(_type_name(parameter.arg_type) for parameter in inputs)
        yield Creation("function", schema[-1] if schema else None, name, arguments=types)


def _type_name(node: Any) -> str:
    return ("_" if node.array_bounds else "") + node.names[-1].string.sval


def _alter(node: Any) -> Iterator[Creation]:
    schema, table = node.relation.schemaname or None, node.relation.relname
    for command in _commands(node):
        if command.subtype == postgast.pg_query_pb2.AT_AddColumn and not command.missing_ok:
            yield Creation("column", schema, getattr(command, "def").column_def.colname, on=table)
        if command.subtype == postgast.pg_query_pb2.AT_AddConstraint:
            name = getattr(command, "def").constraint.conname
            if name:
                yield Creation("constraint", schema, name, on=table)


def _removed(kind: str, node: Any) -> Iterator[tuple[str, ...]]:
    if kind == "drop_stmt":
        for item in node.objects:
            names = _names(item)
            yield (names[-1],)
            yield tuple(names[-2:])
    elif kind == "rename_stmt":
        yield (node.subname,) if not node.relation.relname else (node.relation.relname, node.subname)
        yield from (
            (name,) for name in (node.relation.relname, *_names(node.object)[-1:]) if not node.subname
        )
    elif kind == "alter_object_schema_stmt":
        yield (node.relation.relname or _names(node.object)[-1],)
    elif kind == "alter_table_stmt":
        for command in _commands(node):
            if command.subtype in _DROPPING:
                yield (node.relation.relname, command.name)
            if command.subtype == postgast.pg_query_pb2.AT_DropColumn:
                yield (node.relation.relname, _ANY_COLUMN)


def _dragged(kind: str, node: Any) -> Iterator[str]:
    """The kinds of which any may go with what is dropped, whatever its name."""
    if kind == "drop_stmt":
        drops, owners = [node], node.remove_type == postgast.pg_query_pb2.OBJECT_TABLE
    elif kind == "alter_table_stmt":
        drops = [command for command in _commands(node) if command.subtype in _DROPPING]
        owners = any(drop.subtype == postgast.pg_query_pb2.AT_DropColumn for drop in drops)
    else:
        return
    cascades = any(drop.behavior == postgast.pg_query_pb2.DROP_CASCADE for drop in drops)
    if owners or cascades:
        yield "sequence"
    if cascades:
        yield from _DEPENDENT


def _commands(node: Any) -> list[Any]:
    return [item.alter_table_cmd for item in node.cmds]


def _names(item: Any) -> list[str]:
    which = item.WhichOneof("node")
    if which == "string":
        return [item.string.sval]
    found: Any = {
        "list": lambda: item.list.items,
        "object_with_args": lambda: item.object_with_args.objname,
        "type_name": lambda: item.type_name.names,
    }.get(which, list)()
    return [part.string.sval for part in found] or [""]


_READERS: dict[str, Callable[[Any], Iterator[Creation]]] = {
    "create_stmt": _table,
    "create_table_as_stmt": _table_as,
    "view_stmt": _view,
    "create_seq_stmt": _sequence,
    "index_stmt": _index,
    "create_schema_stmt": _schema,
    "create_policy_stmt": _policy,
    "create_trig_stmt": _trigger,
    "create_enum_stmt": lambda node: _named_type(node.type_name),
    "create_domain_stmt": lambda node: _named_type(node.domainname),
    "create_range_stmt": lambda node: _named_type(node.type_name),
    "composite_type_stmt": _composite,
    "create_function_stmt": _function,
    "alter_table_stmt": _alter,
}
_REMOVERS = frozenset({"drop_stmt", "rename_stmt", "alter_object_schema_stmt", "alter_table_stmt"})
_SETTERS = frozenset({"variable_set_stmt", "select_stmt"})
