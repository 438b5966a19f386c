"""What policies say of columns: which hold a claim of the caller's token, and which link a person to a tenant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import postgast
from google.protobuf.json_format import MessageToDict

Node = Mapping[str, Any]
Place = tuple[str, str]
Claim = tuple[str, ...]
_ASKS = re.compile(r"\bauth\.(uid|jwt|email)\(|request\.jwt\.claim")
_OWN = {"auth.uid": ("sub",), "auth.email": ("email",), "auth.jwt": ()}


@dataclass(frozen=True)
class Called:
    """A function that a policy of the table `caller` calls; a `plain` one is written in SQL."""

    caller: str
    function: str
    source: str
    plain: bool


@dataclass
class Words:
    """Columns by table and name.

    `claimed` are compared with a claim, `named` by a policy of their own table, `linked` by another table's or by a
    function; the policies of the tables in `asking` ask who the caller is.
    """

    claimed: dict[Place, Claim] = field(default_factory=dict[Place, Claim])
    named: set[Place] = field(default_factory=set[Place])
    linked: set[Place] = field(default_factory=set[Place])
    asking: set[str] = field(default_factory=set[str])


@dataclass(frozen=True)
class _Scope:
    """Whose columns a name without a table means, and what the aliases around it mean."""

    own: str
    tables: Mapping[str, str]
    functions: Mapping[str, str]


def read(
    predicates: Iterable[tuple[str, str]], called: Iterable[Called], columns: Mapping[str, Iterable[str]]
) -> Words:
    """Read predicates, each with its table, and the functions that they call; `columns` are those of the tables."""
    words = Words()
    called = tuple(called)
    functions = {each.function: each.source for each in called if each.plain}
    for table, predicate in predicates:
        if asks(predicate):
            words.asking.add(table)
        for tree in _trees(f"select {predicate}"):
            _walk(tree, _Scope(table, {}, functions), words)
    for each in called:
        if asks(each.source):
            words.asking.add(each.caller)
        # Also where the language has no parser here: a table and a column of it that both are named.
        for table, names in columns.items():
            if _is_named(table.rpartition(".")[2], each.source):
                words.linked |= {(table, name) for name in names if _is_named(name, each.source)}
        for tree in _trees(each.source) if each.plain else ():
            _walk(tree, _Scope("", {}, functions), words, columns)
    return words


def asks(source: str) -> bool:
    """Whether a predicate or the body of a function asks who the caller is."""
    return _ASKS.search(source) is not None


def _is_named(name: str, source: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", source) is not None


def _trees(text: str) -> Iterator[Node]:
    try:
        tree = postgast.parse(text)
    except postgast.PgQueryError:
        return
    yield MessageToDict(tree, preserving_proto_field_name=True)


def _walk(
    node: object, scope: _Scope, words: Words, columns: Mapping[str, Iterable[str]] | None = None
) -> None:
    if isinstance(node, list):
        for each in cast("list[object]", node):
            _walk(each, scope, words, columns)
        return
    if not isinstance(node, dict):
        return
    node = cast("dict[str, Any]", node)
    if "from_clause" in node:
        tables = dict(_tables(node["from_clause"], columns or {}))
        # In a body of a function a bare name is of the one table that is read there.
        own = next(iter(tables.values())) if columns is not None and len(tables) == 1 else scope.own
        scope = replace(scope, own=own, tables={**scope.tables, **tables})
    if "column_ref" in node and (place := _place(node, scope)):
        (words.named if place[0] == scope.own and columns is None else words.linked).add(place)
    if "a_expr" in node:
        _compare(node["a_expr"], scope, words)
    for each in node.values():
        _walk(each, scope, words, columns)


def _compare(expression: Node, scope: _Scope, words: Words) -> None:
    if expression.get("kind") != "AEXPR_OP" or _operator(expression) != "=":
        return
    left, right = expression.get("lexpr", {}), expression.get("rexpr", {})
    for column, value in ((left, right), (right, left)):
        place, claim = _place(_bare(column), scope), _claim(value, scope)
        if place and claim:
            words.claimed[place] = claim


def _tables(node: object, columns: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str]]:
    """Return what is read in a FROM, by alias; not what a select in it reads."""
    if isinstance(node, list):
        for each in cast("list[object]", node):
            yield from _tables(each, columns)
    elif isinstance(node, dict):
        node = cast("dict[str, Any]", node)
        if found := node.get("range_var"):
            bare = found["relname"]
            known = next((name for name in columns if name.rpartition(".")[2] == bare), f"public.{bare}")
            name = f"{found['schemaname']}.{bare}" if "schemaname" in found else known
            yield found.get("alias", {}).get("aliasname", bare), name
        elif join := node.get("join_expr"):
            yield from _tables([join.get("larg"), join.get("rarg")], columns)


def _place(node: Node, scope: _Scope) -> Place | None:
    fields = [
        part["string"]["sval"] for part in node.get("column_ref", {}).get("fields", ()) if "string" in part
    ]
    match fields:
        case [column]:
            return (scope.own, column) if scope.own else None
        case [alias, column]:
            own = scope.own if alias == scope.own.rpartition(".")[2] else None
            table = scope.tables.get(alias, own)
            return (table, column) if table else None
        case _:
            return None


def _bare(node: Node) -> Node:
    """Return what is cast, or the one thing that is selected from nothing."""
    while True:
        if "type_cast" in node:
            node = node["type_cast"]["arg"]
            continue
        select = node.get("sub_link", {}).get("subselect", {}).get("select_stmt", {})
        if "from_clause" in select or len(select.get("target_list", ())) != 1:
            return node
        node = select["target_list"][0]["res_target"]["val"]


def _claim(node: Node, scope: _Scope, *, deep: int = 3) -> Claim | None:
    """Return the path of the claim that an expression reads; the whole token has the empty one."""
    node = _bare(node)
    if call := node.get("func_call"):
        return _of_function(call, scope, deep)
    if choice := node.get("coalesce_expr"):
        return _claim(choice["args"][0], scope, deep=deep)
    if not (expression := node.get("a_expr")):
        return None
    if expression.get("kind") == "AEXPR_NULLIF":
        return _claim(expression.get("lexpr", {}), scope, deep=deep)
    base = _claim(expression.get("lexpr", {}), scope, deep=deep)
    word = _bare(expression.get("rexpr", {})).get("a_const", {}).get("sval", {}).get("sval")
    operator = _operator(expression)
    if base is None or word is None or operator not in ("->", "->>", "#>", "#>>"):
        return None
    return (*base, *(word.strip("{}").split(",") if operator.startswith("#") else (word,)))


def _of_function(call: Node, scope: _Scope, deep: int) -> Claim | None:
    name = ".".join(part["string"]["sval"] for part in call["funcname"])
    arguments = call.get("args", ())
    if name in _OWN:
        return _OWN[name]
    if name.rpartition(".")[2] == "current_setting":
        setting = str(_bare(arguments[0]).get("a_const", {}).get("sval", {}).get("sval", ""))
        _, _, claim = setting.partition("request.jwt.claim")
        return () if claim == "s" else (claim[1:],) if claim.startswith(".") else None
    if deep and not arguments and (source := scope.functions.get(name)):
        for tree in _trees(source):
            statements: list[Any] = tree.get("stmts", [])
            select: Node = statements[0]["stmt"].get("select_stmt", {}) if len(statements) == 1 else {}
            return _claim({"sub_link": {"subselect": {"select_stmt": select}}}, scope, deep=deep - 1)
    return None


def _operator(expression: Node) -> str:
    return "".join(part["string"]["sval"] for part in expression.get("name", ()) if "string" in part)


def at(claims: Mapping[str, Any], path: Claim) -> Any:
    """Return the claim at a path, or `None`."""
    value: Any = claims
    for key in path:
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(key)
    return value


def put(claims: Mapping[str, Any], path: Claim, value: Any) -> dict[str, Any]:
    """Return the claims with another one; what stands beside it stays."""
    made: dict[str, Any] = json.loads(json.dumps(dict(claims)))
    held = made
    for key in path[:-1]:
        inner = held.get(key)
        held[key] = inner if isinstance(inner, dict) else {}
        held = held[key]
    held[path[-1]] = value
    return made
