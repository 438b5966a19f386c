"""The policies and switches of row level security that statements name, whether they change them or not.

A migration that puts right what other hands have changed changes nothing where it is rehearsed: only its words tell
what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import postgast
from google.protobuf.message import DecodeError

from ops.app_tables import quoted
from ops.schema import Key
from ops.statements import Statement

_POLICY = ("create_policy_stmt", "alter_policy_stmt")
_SWITCHES = {
    postgast.pg_query_pb2.AT_EnableRowSecurity,
    postgast.pg_query_pb2.AT_DisableRowSecurity,
    postgast.pg_query_pb2.AT_ForceRowSecurity,
    postgast.pg_query_pb2.AT_NoForceRowSecurity,
}
_SCHEMA = "public"
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")


def keys(statements: Iterable[Statement]) -> frozenset[Key]:
    """Return the keys of what these statements name; a name without a schema is one of public."""
    return frozenset(key for each in statements for key in _keys(each))


def _keys(statement: Statement) -> Iterator[Key]:
    if statement.kind not in (*_POLICY, "drop_stmt", "alter_table_stmt"):
        return
    try:
        found = postgast.parse(statement.text).stmts
    except (postgast.PgQueryError, DecodeError):
        return
    for each in found:
        node: Any = getattr(each.stmt, statement.kind)
        if statement.kind in _POLICY:
            yield _policy(node.table.schemaname, node.table.relname, node.policy_name)
        elif statement.kind == "drop_stmt" and node.remove_type == postgast.pg_query_pb2.OBJECT_POLICY:
            for dropped in node.objects:
                *schema, table, name = (item.string.sval for item in dropped.list.items)
                yield _policy(schema[0] if schema else "", table, name)
        elif statement.kind == "alter_table_stmt" and _switches(node):
            yield "table", _identity(node.relation.schemaname or _SCHEMA, node.relation.relname)


def _switches(node: Any) -> bool:
    return any(each.alter_table_cmd.subtype in _SWITCHES for each in node.cmds)


def _policy(schema: str, table: str, name: str) -> Key:
    return "policy", _identity(schema or _SCHEMA, table, name)


def _identity(*names: str) -> str:
    """Return a name as the server writes it; one that is a keyword it would quote as well, and is not met by this."""
    return ".".join(each if _PLAIN.fullmatch(each) else quoted(each) for each in names)
