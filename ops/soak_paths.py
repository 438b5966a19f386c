"""Whether a statement that failed was on the write paths of a table: by its text, or by the functions it ran.

Source: phase2-rollout-and-eval.md, section 1.5. A log names no tables. It has the statement that the client sent, which
may be no more than the call of a function; what that function was doing stands in the context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from psycopg.rows import TupleRow

from ops import database, queries
from ops.app_tables import Table

Path = Literal["on", "off", "unknown"]
_WRITES = re.compile(r"\b(insert|update|delete|merge|copy|truncate)\b", re.IGNORECASE)
# Also "while updating tuple (0,1) in relation", as a deadlock has it, and "COPY notes, line 1".
_TOUCHES = re.compile(r"\b(insert|updat|delet|merg|cop[iy]|truncat|lock)\w*\b", re.IGNORECASE)
_WORD = re.compile(r"[\w$]+")
_QUOTED = re.compile(r"/\*.*?\*/|--[^\n]*|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)
_DO = re.compile(r"(?:^|;)\s*do\b", re.IGNORECASE)
# What these run is not in their text: a prepared statement, a cursor, or what was deferred to the end.
_OPAQUE = re.compile(r"(?:^|;)\s*(execute|fetch|move|commit|end|set\s+constraints)\b", re.IGNORECASE)
_FRAME = re.compile(r"^(?=SQL statement|SQL function|SQL expression|PL/|COPY |while )", re.MULTILINE)
_DYNAMIC = re.compile(r"\bexecute\b", re.IGNORECASE)
_READABLE = ("sql", "plpgsql")


@dataclass(frozen=True, slots=True)
class Failed:
    """A statement that failed, as a log has it; what the log does not say is empty."""

    severity: str
    state: str
    message: str
    statement: str = ""
    internal_query: str = ""
    context: str = ""
    backend: str = ""

    @property
    def of_no_client(self) -> bool:
        """Whether it was autovacuum giving way, a login that was refused, or an idle session that was ended."""
        if self.backend.startswith("autovacuum"):
            return True
        nothing_ran = self.state[:2] in ("28", "3D") or self.state.startswith("57P0")
        return self.severity == "FATAL" and not self.statement and nothing_ran


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the app, and what it does."""

    name: str
    language: str
    body: str


@dataclass(frozen=True, slots=True)
class Paths:
    """The names by which an error tells of the watched tables.

    `relations` are the tables, their partitions and views; `constraints` those of all of these; `triggers` the
    functions that run when they are written to; `functions` those that write to them, directly or through another;
    `opaque` those that run what is not in their text.
    """

    relations: frozenset[str] = frozenset()
    constraints: frozenset[str] = frozenset()
    triggers: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()

    def of(self, failed: Failed) -> Path:
        """Say whether a failure was on the write paths; "unknown" is what nothing in the log tells."""
        if failed.of_no_client:
            return "off"
        if self.touched(failed):
            return "on"
        return "unknown" if self._hides(failed) else "off"

    def touched(self, failed: Failed) -> list[str]:
        """Return by which names it was on the write paths, if any."""
        frames = _FRAME.split(failed.context)
        named = _names(self.relations | self.constraints, failed.message)
        for text in (failed.statement, failed.internal_query):
            named |= _names(self.relations, text) if _WRITES.search(text) else set()
            named |= _calls(self.functions, text)
        for frame in frames:
            named |= _names(self.relations, frame) if _TOUCHES.search(frame) else set()
            named |= _calls(self.functions, frame)
            # Where the statement is another table's, so is a trigger that both have.
            named |= _calls(self.triggers, frame) if _is_opaque(failed.statement) else set()
        return sorted(named)

    def _hides(self, failed: Failed) -> bool:
        if not failed.statement or _is_opaque(failed.statement):
            return True
        innermost = next((frame for frame in _FRAME.split(failed.context) if frame.strip()), "")
        if innermost.startswith("SQL statement"):
            return False
        if _DO.search(_QUOTED.sub(" ", failed.statement)) and _DYNAMIC.search(failed.statement):
            return True
        return bool(_calls(self.opaque, failed.statement) | _calls(self.opaque, failed.context))


def read(connection: database.Connection, tables: Iterable[Table]) -> Paths:
    """Read from the catalog by which names an error tells of these tables."""
    found: dict[str, set[str]] = {"relation": set(), "constraint": set(), "trigger": set()}
    with database.translating():
        named = connection.execute(
            queries.load("soak/relations"), {"tables": [table.oid for table in tables]}
        ).fetchall()
        functions = connection.execute(queries.load("soak/functions")).fetchall()
    for kind, name in named:
        found[kind].add(name)
    relations = frozenset(found["relation"])
    return Paths(
        relations=relations,
        constraints=frozenset(found["constraint"]) - relations,
        triggers=frozenset(found["trigger"]),
        **_sorted_out(map(_function, functions), relations),
    )


def _function(row: TupleRow) -> Function:
    return Function(*row)


def _sorted_out(functions: Iterable[Function], relations: frozenset[str]) -> Mapping[str, frozenset[str]]:
    """Return the functions that write to the tables, and of the others those whose text does not say what they run."""
    known = list(functions)
    writing = {each.name for each in known if _WRITES.search(each.body) and _names(relations, each.body)}
    writing = _callers(known, writing)
    opaque = {
        each.name
        for each in known
        if each.language not in _READABLE or (each.language == "plpgsql" and _DYNAMIC.search(each.body))
    }
    return {
        "functions": frozenset(writing),
        "opaque": frozenset(_callers(known, opaque) - writing),
    }


def _callers(functions: list[Function], called: set[str]) -> set[str]:
    """Return these with all that call them, through however many others."""
    found = set(called)
    while more := {
        each.name for each in functions if each.name not in found and _calls(frozenset(found), each.body)
    }:
        found |= more
    return found


def _is_opaque(statement: str) -> bool:
    return bool(_OPAQUE.search(_QUOTED.sub(" ", statement)))


def _names(names: Iterable[str], text: str) -> set[str]:
    """Return which names a text has; case does not matter, since it does not to an unquoted name."""
    folded = text.casefold()
    words = set(_WORD.findall(folded))
    return {
        name
        for name in names
        if name.casefold() in words or (not _WORD.fullmatch(name) and name.casefold() in folded)
    }


def _calls(names: frozenset[str], text: str) -> set[str]:
    """Return which functions a text calls, or, as a context, was in."""
    return {
        name
        for name in _names(names, text)
        if re.search(
            rf'{re.escape(name)}"?\s*\(|function "?(?:[^\s(]+\.)?"?{re.escape(name)}\b', text, re.IGNORECASE
        )
    }
