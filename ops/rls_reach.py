"""What a read or a write of a table reaches: by triggers, rules, defaults, checks, policies, keys, and what these call.

Expressions are followed as the server keeps them, by oid. The text of a function is over-read: every function that has
a name which stands before a parenthesis in it, and every relation that it names, is reached.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from psycopg.rows import dict_row

from ops import database, queries, rls_outside

WRITES = ("insert", "update", "delete")
_WORD = re.compile(r'(?:("?)([\w$]+)\1\s*\.\s*)?("?)([\w$]+)\3(\s*\()?')
_PLAIN = re.compile(r"[\w$]+")
_WRITING = {"into": ("insert", "update"), "update": ("update",), "from": ("delete",), "truncate": ("delete",)}
_WRITTEN = re.compile(
    r"\b(merge into|into|update|(?<=delete )from|truncate|copy)\s+(?:only\s+|table\s+)*"
    r'(?:"?([\w$]+)"?\s*\.\s*)?"?([\w$]+)"?',
    re.IGNORECASE,
)


class Step(NamedTuple):
    """Something that happens: `act` is read, insert, update, delete or call; `oid` of the relation or function."""

    act: str
    oid: int


@dataclass(frozen=True)
class Function:
    """A function as the catalog has it; `source` is its text where it has one."""

    schema: str
    name: str
    language: str
    trusted: bool
    extension: str | None
    source: str
    functions: list[int]
    relations: list[int]
    operators: list[str]
    writes: bool

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Relation:
    """A table, view or foreign table; `locks` are those of it and of its indexes."""

    schema: str
    name: str
    kind: str
    locks: int

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass
class Reach:
    """The graph of all that is reached, and what in it no transaction takes back."""

    functions: dict[int, Function]
    relations: dict[int, Relation]
    runs: dict[Step, list[tuple[str, list[Step]]]] = field(
        default_factory=lambda: defaultdict[Step, list[tuple[str, list[Step]]]](list)
    )
    parents: dict[int, set[int]] = field(default_factory=lambda: defaultdict[int, set[int]](set))
    children: dict[int, set[int]] = field(default_factory=lambda: defaultdict[int, set[int]](set))
    _named: dict[str, list[int]] = field(default_factory=lambda: defaultdict[str, list[int]](list))
    _called: dict[str, list[int]] = field(default_factory=lambda: defaultdict[str, list[int]](list))
    _texts: dict[int, list[Step]] = field(default_factory=dict[int, list[Step]])
    _operators: dict[str, list[int]] = field(default_factory=lambda: defaultdict[str, list[int]](list))
    _quoted: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        for oid, relation in self.relations.items():
            self._named[relation.name.lower()].append(oid)
        for oid, function in self.functions.items():
            # What the server brings is reached by its oid; of its names only the few that are outside count.
            if function.schema != "pg_catalog" or rls_outside.is_named_so(function.name):
                self._called[function.name.lower()].append(oid)

            for symbol in function.operators:
                self._operators[symbol].append(oid)
        self._quoted = [each for each in (*self._named, *self._called) if not _PLAIN.fullmatch(each)]

    def steps(self, starts: Iterable[Step]) -> dict[Step, tuple[Step | None, str]]:
        """Return all that is reached from `starts`: by which step, and by what of it."""
        reached: dict[Step, tuple[Step | None, str]] = {}
        left: list[tuple[Step, Step | None, str]] = [(start, None, "") for start in starts]
        while left:
            step, before, what = left.pop(0)
            if step in reached:
                continue
            reached[step] = before, what
            left += [
                (one, step, what) for what, them in self._next(step) for one in them if one not in reached
            ]
        return reached

    def _next(self, step: Step) -> list[tuple[str, list[Step]]]:
        if step.act != "call":
            return self.runs.get(step, [])
        if step.oid not in self._texts:
            function = self.functions.get(step.oid)
            self._texts[step.oid] = list(self._of(function)) if function else []
        return [("", self._texts[step.oid])]

    def _of(self, function: Function) -> Iterator[Step]:
        yield from steps_of(function.functions, function.relations, writes=function.writes)
        text = rls_outside.without_comments(function.source)
        for _, schema, _, name, opens in _WORD.findall(text):
            called = self._called.get(name.lower(), ()) if opens else ()
            yield from (Step("call", each) for each in called if _is_of(self.functions[each], schema))
            named = self._named.get(name.lower(), ())
            yield from (Step("read", each) for each in named if _is_of(self.relations[each], schema))
        for symbol, oids in self._operators.items():
            if symbol in function.source:
                yield from (Step("call", each) for each in oids)
        # A name that is no word stands in quotes.
        for name in self._quoted:
            if f'"{name}"' in text.lower():
                yield from (Step("call", each) for each in self._called.get(name, ()))
                yield from (
                    Step(act, each) for each in self._named.get(name, ()) for act in ("read", *WRITES)
                )
        for verb, schema, name in _WRITTEN.findall(text):
            for each in self._named.get(name.lower(), ()):
                if _is_of(self.relations[each], schema):
                    yield from (Step(act, each) for act in _WRITING.get(verb.lower(), WRITES))

    def why_not(self, starts: Iterable[Step]) -> str | None:
        """Return what no transaction takes back of all that is reached, and by which way; none if all is."""
        reached = self.steps(starts)
        for step in reached:
            if step.act == "call" and step.oid in self.functions:
                said = rls_outside.said_of(self.functions[step.oid])
            elif (relation := self.relations.get(step.oid)) and relation.kind == "f":
                said = f"reaches the foreign table {relation}"
            else:
                said = None
            if said:
                return f"{self._way(reached, step)} {said}, which no transaction takes back."
        return None

    def _way(self, reached: dict[Step, tuple[Step | None, str]], end: Step) -> str:
        names, whats = list[str](), list[str]()
        step: Step | None = end
        while step:
            if step.act == "call":
                names.insert(0, str(self.functions[step.oid]))
            step, what = reached[step]
            whats += [what] if what else []
        way = f" ({' > '.join(names)})" if names else ""
        return f"the {whats[-1]}{way}" if whats else "a write of it"


def _is_of(found: Function | Relation, schema: str) -> bool:
    return not schema or found.schema.lower() == schema.lower()


def steps_of(functions: Iterable[int], relations: Iterable[int], *, writes: bool) -> list[Step]:
    """Return the steps of an expression or a query that is kept as a tree."""
    return [
        *(Step("call", oid) for oid in functions),
        *(Step(act, oid) for oid in relations for act in (("read", *WRITES) if writes else ("read",))),
    ]


def find(connection: database.Connection) -> Reach:
    """Read the catalogs of this database."""
    reach = Reach(
        functions={
            each.pop("oid"): Function(**each) for each in _rows(connection, queries.load("rls/called"))
        },
        relations={
            each.pop("oid"): Relation(**each) for each in _rows(connection, queries.load("rls/lockable"))
        },
    )
    for row in _rows(connection, queries.load("rls/runs")):
        steps = steps_of(row["functions"], row["relations"], writes=row["writes"])
        for act in row["acts"]:
            reach.runs[Step(act, row["relation"])].append((row["what"], steps))
        if (relation := reach.relations.get(row["relation"])) and relation.kind == "v":
            for act in WRITES:
                through = [Step(act, oid) for oid in row["relations"] if oid != row["relation"]]
                reach.runs[Step(act, row["relation"])].append(("", through))
    for oid in reach.relations:
        for act in WRITES:
            reach.runs[Step(act, oid)].append(("", [Step("read", oid)]))
    for row in _rows(connection, queries.load("rls/links")):
        _link(reach, row)
    return reach


def _link(reach: Reach, row: dict[str, Any]) -> None:
    child, parent = row["child"], row["parent"]
    if row["link"] == "key":
        reach.parents[child].add(parent)
        reach.children[parent].add(child)
        for act, then in (("delete", row["on_delete"]), ("update", row["on_update"])):
            if then:
                reach.runs[Step(act, parent)].append(("", [Step(then, child)]))
    else:
        for act in ("read", *WRITES):
            reach.runs[Step(act, parent)].append(("", [Step(act, child)]))


def _rows(connection: database.Connection, query: Any) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()
