"""Whether a statement that failed was on the write paths of a table: by its text, or by the functions it ran.

Source: phase2-rollout-and-eval.md, section 1.5. A log names no tables. It has the statement that the client sent, which
may be no more than the call of a function; what that function was doing stands in the context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ops import database, queries, soak_functions
from ops.app_tables import Table
from ops.soak_functions import Function, Namesake, Path

# Also "while updating tuple (0,1) in relation", as a deadlock has it, and "COPY notes, line 1".
_TOUCHES = re.compile(r"\b(insert|updat|delet|merg|cop[iy]|truncat|lock)\w*\b", re.IGNORECASE)
_QUOTED = re.compile(r"/\*.*?\*/|--[^\n]*|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)
_DO = re.compile(r"(?:^|;)\s*do\b", re.IGNORECASE)
# What these run is not in their text: a prepared statement, a cursor, or what was deferred to the end.
_OPAQUE = re.compile(r"(?:^|;)\s*(execute|fetch|move|commit|end|set\s+constraints)\b", re.IGNORECASE)
_FRAME = re.compile(r"^(?=SQL statement|SQL function|SQL expression|PL/|COPY |while )", re.MULTILINE)


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
class Paths:
    """The names by which an error tells of the watched tables.

    `relations` are the tables, their partitions and views; `constraints` those of all of these; `triggers` the
    functions that run when they are written to; `functions` those that write to them, directly or through another;
    `opaque` those that run what is not in their text; `namesakes` are all functions of a name that only some of them
    share with one that writes.
    """

    relations: frozenset[str] = frozenset()
    constraints: frozenset[str] = frozenset()
    triggers: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()
    namesakes: Mapping[str, tuple[Namesake, ...]] = field(default_factory=dict[str, "tuple[Namesake, ...]"])

    def of(self, failed: Failed) -> Path:
        """Say whether a failure was on the write paths; "unknown" is what nothing in the log tells."""
        if failed.of_no_client:
            return "off"
        if self.touched(failed):
            return "on"
        return "unknown" if self.ambiguous(failed) or self._hides(failed) else "off"

    def touched(self, failed: Failed) -> list[str]:
        """Return by which names it was on the write paths, if any."""
        frames = _FRAME.split(failed.context)
        named = soak_functions.names(self.relations | self.constraints, failed.message)
        for text in (failed.statement, failed.internal_query):
            named |= (
                soak_functions.names(self.relations, text) if soak_functions.WRITES.search(text) else set()
            )
        for frame in frames:
            named |= soak_functions.names(self.relations, frame) if _TOUCHES.search(frame) else set()
            # Where the statement is another table's, so is a trigger that both have.
            named |= soak_functions.calls(self.triggers, frame) if _is_opaque(failed.statement) else set()
        return sorted(named | {name for name, path in self._called(failed).items() if path == "on"})

    def ambiguous(self, failed: Failed) -> list[str]:
        """Return what it ran that has namesakes, each with all of them, where the log does not say which it was."""
        return [
            soak_functions.told_apart(self.namesakes[name])
            for name, path in sorted(self._called(failed).items())
            if path == "unknown"
        ]

    def _called(self, failed: Failed) -> Mapping[str, Path]:
        """Return which functions it ran that write to the tables, or may, and have namesakes that do not."""
        texts = (failed.statement, failed.internal_query)
        called = soak_functions.calls(self.functions | {*self.namesakes}, "\n".join((*texts, failed.context)))
        return {
            name: soak_functions.which(self.namesakes[name], texts, failed.context)
            if name in self.namesakes
            else "on"
            for name in called
        }

    def _hides(self, failed: Failed) -> bool:
        if not failed.statement or _is_opaque(failed.statement):
            return True
        innermost = next((frame for frame in _FRAME.split(failed.context) if frame.strip()), "")
        if innermost.startswith("SQL statement"):
            return False
        if _DO.search(_QUOTED.sub(" ", failed.statement)) and soak_functions.DYNAMIC.search(failed.statement):
            return True
        opaque = self.opaque - {*self.namesakes}
        return bool(
            soak_functions.calls(opaque, failed.statement) | soak_functions.calls(opaque, failed.context)
        )


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
    sorted_out = soak_functions.sorted_out([Function(*row) for row in functions], relations)
    return Paths(
        relations=relations,
        constraints=frozenset(found["constraint"]) - relations,
        triggers=frozenset(found["trigger"]),
        functions=sorted_out.writing,
        opaque=sorted_out.opaque,
        namesakes=sorted_out.namesakes,
    )


def _is_opaque(statement: str) -> bool:
    return bool(_OPAQUE.search(_QUOTED.sub(" ", statement)))
