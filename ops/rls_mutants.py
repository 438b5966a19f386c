"""Ways in which a policy may be broken: each is one that a contract of row level security must notice."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import postgast
from google.protobuf.json_format import MessageToDict

from ops import folding
from ops.rls_contract import Policy

_CHECKED = ("INSERT", "UPDATE", "ALL")
_CALLER = re.compile(r"auth\.(uid|email)\(\)")
# What may be true of nobody in particular: a predicate with one of these may let in who has no token.
_SURE_OF_NOTHING = ("coalesce_expr", "case_expr", "boolean_test")
_ASKING = ("auth.uid", "auth.email", "auth.jwt")


@dataclass(frozen=True)
class Mutant:
    """A policy and what becomes of it: another one, or none."""

    table: str
    policy: str
    broken: str
    becomes: Policy | None

    def __str__(self) -> str:
        return f'"{self.policy}" of {self.table}: {self.broken}'

    @property
    def is_widened(self) -> bool:
        return self.broken.startswith("TO ")


def of(table: str, name: str, policy: Policy) -> Iterator[Mutant]:
    """Yield each way of breaking a policy once; one that lets in whoever has signed in is not opened to these."""

    def becomes(broken: str, **changes: object) -> Mutant:
        return Mutant(table, name, broken, policy.model_copy(update=changes))

    yield Mutant(table, name, "dropped", None)
    if policy.command == "UPDATE" and _is_of_caller(policy):
        # Either half holds everybody whom the other one holds, so that only both together open anything.
        yield becomes("USING (true) WITH CHECK (true)", using="true", check="true")
    else:
        if policy.using is not None and not _is_open(policy.using):
            yield becomes("USING (true)", using="true")
        checked = policy.using if policy.check is None else policy.check
        if policy.command in _CHECKED and not _is_open(checked):
            yield becomes("WITH CHECK (true)", check="true")
    if policy.using is not None:
        yield becomes("USING (false)", using="false")
    elif policy.check is not None:
        yield becomes("WITH CHECK (false)", check="false")
    # To add service_role is nothing, since it passes policies by.
    missing = {"anon", "authenticated"} - {*policy.roles}
    if "public" in policy.roles:
        return
    if missing:
        yield becomes("TO public", roles=("public",))
    if missing > {"anon"}:
        yield becomes("TO anon as well", roles=tuple(sorted((*policy.roles, "anon"))))


def _is_open(predicate: str | None) -> bool:
    """Whether a predicate holds of every row for whoever has signed in, so that `true` is the same."""
    return folding.is_true(_CALLER.sub("'somebody'", predicate or ""), role="authenticated")


def _is_of_caller(policy: Policy) -> bool:
    """Whether a policy asks the same before and after a change, and nothing of the row."""
    same = policy.using is not None and policy.check in (None, policy.using)
    return same and not _is_open(policy.using) and "column_ref" not in _inside(_tree(policy.using or ""))


def asks_caller(policy: Policy, functions: Collection[str]) -> bool:
    """Whether each way through a policy asks who the caller is, so that nobody without a token passes.

    `functions` are those of the project that ask as well. To widen such a policy's roles lets nobody new in.
    """
    predicates = [each for each in (policy.using, policy.check) if each is not None]
    return bool(predicates) and all(_asks(_tree(each), (*_ASKING, *functions)) for each in predicates)


def _tree(predicate: str) -> Mapping[str, Any]:
    tree = MessageToDict(postgast.parse(f"select {predicate}"), preserving_proto_field_name=True)
    return tree["stmts"][0]["stmt"]["select_stmt"]["target_list"][0]["res_target"]["val"]


def _asks(node: Mapping[str, Any], functions: Collection[str]) -> bool:
    if expression := node.get("bool_expr"):
        found = [_asks(each, functions) for each in expression["args"]]
        return all(found) if expression["boolop"] == "OR_EXPR" else any(found)
    kinds = set(_inside(node))
    return bool(kinds & set(functions)) and not kinds & {*_SURE_OF_NOTHING, "IS_NULL"}


def _inside(node: object) -> Iterator[str]:
    """Yield the kinds of nodes that an expression has, and the names of the functions that it calls."""
    if isinstance(node, list):
        for each in cast("list[object]", node):
            yield from _inside(each)
    elif isinstance(node, dict):
        for kind, inner in cast("dict[str, Any]", node).items():
            yield kind
            if kind == "nulltesttype":
                yield inner
            if kind == "funcname":
                yield ".".join(part["string"]["sval"] for part in inner)
            yield from _inside(inner)
