"""What a policy's predicate comes to whatever the row: `true`, `(1 = 1)` and `true OR ...` are one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import postgast
from google.protobuf.json_format import MessageToDict

Node = Mapping[str, Any]


class _Unknown:
    """The value depends on the row, on the session or on something that is not folded here."""


UNKNOWN: Final = _Unknown()
Value = bool | int | float | str | None | _Unknown

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}
_TRUE = {"t", "true", "y", "yes", "on", "1"}
_FALSE = {"f", "false", "n", "no", "off", "0"}


def is_true(predicate: str | None, *, role: str | None = None) -> bool:
    """Whether a predicate is true for every row; `role` is what `auth.role()` answers, where known."""
    return predicate is not None and constant(predicate, role=role) is True


def constant(expression: str, *, role: str | None = None) -> Value:
    """Return the value of a SQL expression that has one whatever the row, and else `UNKNOWN`."""
    try:
        tree = postgast.parse(f"SELECT {expression}")
    except postgast.PgQueryError:
        return UNKNOWN
    statement = _first(MessageToDict(tree, preserving_proto_field_name=True).get("stmts"))
    return _select(statement.get("stmt", {}).get("select_stmt", {}), role)


def _first(nodes: object) -> Node:
    return cast("Node", nodes[0]) if isinstance(nodes, list) and nodes else {}


def _select(select: Node, role: str | None) -> Value:
    bare = {"target_list", "limit_option", "op", "group_distinct"}
    if set(select) - bare or len(select.get("target_list", ())) != 1:
        return UNKNOWN
    return _fold(_first(select["target_list"]).get("res_target", {}).get("val", {}), role)


def _fold(node: Node, role: str | None) -> Value:
    for kind, fold in _FOLDS.items():
        if kind in node:
            return fold(node[kind], role)
    return UNKNOWN


def _literal(node: Node, role: str | None) -> Value:
    if node.get("isnull"):
        return None
    if "boolval" in node:
        return bool(node["boolval"].get("boolval", False))
    if "ival" in node:
        return int(node["ival"].get("ival", 0))
    if "fval" in node:
        return float(node["fval"]["fval"])
    return str(node["sval"].get("sval", "")) if "sval" in node else UNKNOWN


def _cast(node: Node, role: str | None) -> Value:
    value = _fold(node["arg"], role)
    names = [part["string"]["sval"] for part in node["type_name"].get("names", ()) if "string" in part]
    if names[-1:] == ["bool"] and isinstance(value, str | int):
        word = str(value).strip().lower()
        return True if word in _TRUE else False if word in _FALSE else UNKNOWN
    return value if value is None or names[-1:] in (["text"], ["varchar"]) else UNKNOWN


def _boolean(node: Node, role: str | None) -> Value:
    values = [_fold(argument, role) for argument in node["args"]]
    if node["boolop"] == "NOT_EXPR":
        return not values[0] if isinstance(values[0], bool) else values[0]
    decisive = node["boolop"] == "OR_EXPR"
    if any(value is decisive for value in values):
        return decisive
    if UNKNOWN in values:
        return UNKNOWN
    return None if None in values else not decisive


def _operator(node: Node, role: str | None) -> Value:
    name = "".join(part["string"]["sval"] for part in node["name"] if "string" in part)
    left = _fold(node.get("lexpr", {}), role)
    if node["kind"] == "AEXPR_IN" and name == "=":
        return _member(left, [_fold(item, role) for item in node["rexpr"].get("list", {}).get("items", ())])
    if node["kind"] == "AEXPR_OP_ANY" and name == "=":
        elements = node["rexpr"].get("a_array_expr", {}).get("elements", ())
        return _member(left, [_fold(item, role) for item in elements])
    if node["kind"] != "AEXPR_OP" or name not in _COMPARISONS:
        return UNKNOWN
    return _compared(name, left, _fold(node.get("rexpr", {}), role))


def _compared(name: str, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if numbers or (isinstance(left, str) and isinstance(right, str) and name in {"=", "<>"}):
        return _COMPARISONS[name](left, right)
    return UNKNOWN


def _member(value: Value, items: list[Value]) -> Value:
    if not items or isinstance(value, _Unknown):
        return UNKNOWN
    found = [_compared("=", value, item) for item in items]
    if True in found:
        return True
    return UNKNOWN if UNKNOWN in found else None if None in found else False


def _null_test(node: Node, role: str | None) -> Value:
    value = _fold(node["arg"], role)
    return UNKNOWN if isinstance(value, _Unknown) else (value is None) == (node["nulltesttype"] == "IS_NULL")


def _boolean_test(node: Node, role: str | None) -> Value:
    value = _fold(node["arg"], role)
    if isinstance(value, _Unknown):
        return UNKNOWN
    negated, word = "NOT" in node["booltesttype"], node["booltesttype"].rpartition("_")[2]
    expected = {"TRUE": True, "FALSE": False, "UNKNOWN": None}[word]
    return (value is expected) != negated


def _coalesce(node: Node, role: str | None) -> Value:
    for argument in node["args"]:
        value = _fold(argument, role)
        if value is not None:
            return value
    return None


def _subquery(node: Node, role: str | None) -> Value:
    select = node["subselect"].get("select_stmt", {})
    return _select(select, role) if node["sub_link_type"] == "EXPR_SUBLINK" else UNKNOWN


def _function(node: Node, role: str | None) -> Value:
    name = [part["string"]["sval"] for part in node["funcname"]]
    return role if name == ["auth", "role"] and role is not None else UNKNOWN


_FOLDS: dict[str, Callable[[Node, str | None], Value]] = {
    "a_const": _literal,
    "type_cast": _cast,
    "bool_expr": _boolean,
    "a_expr": _operator,
    "null_test": _null_test,
    "boolean_test": _boolean_test,
    "coalesce_expr": _coalesce,
    "sub_link": _subquery,
    "func_call": _function,
}
