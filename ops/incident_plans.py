"""How a statement would be planned, without running it, and which index it seems to miss.

Source: supabase-operations.md, "High Latency / Timeouts".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, LiteralString, cast

from psycopg import sql

from ops import database, errors, queries
from ops.app_tables import quoted
from ops.checking import Checking

_NAME = "runbooks_incident"
_PARAMETER = re.compile(r"\$(\d+)")
# What else there is has no plan. EXPLAIN without ANALYZE runs none of these, and a transaction that only reads lets it
# plan one that writes too.
_PLANNED = re.compile(
    r"[\s(]*(?:(?:/\*.*?\*/|--[^\n]*\n)[\s(]*)*(?:select|with|values|table|insert|update|delete|merge)\b",
    re.IGNORECASE | re.DOTALL,
)
# Below so many rows to read a table whole is what one wants.
_LEAST_ROWS = 10_000
# The server cuts a longer one off, in bytes.
_LONGEST_NAME = 63
_COMPARED = r'\b{alias}\."?(\w+)"?\)?(?:::[\w" ]+)?\)?\s*(=|<=?|>=?)\s'


@dataclass(frozen=True, slots=True)
class Index:
    """An index that a plan seems to miss, with a name that is free; `text` is the statement, without its values."""

    schema: str
    table: str
    columns: tuple[str, ...]
    name: str
    text: str = field(default="", compare=False)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Index:
        """Return an index as JSON has kept it."""
        return cls(said["schema"], said["table"], tuple(said["columns"]), said["name"], said["text"])

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def creation(self) -> str:
        columns = ", ".join(quoted(each) for each in self.columns)
        on = f"{quoted(self.schema)}.{quoted(self.table)}"
        return f"create index concurrently {quoted(self.name)} on {on} ({columns});"

    @property
    def keeping(self) -> str:
        """The statement for a migration, which changes nothing where the index is already."""
        return self.creation.replace("concurrently ", "concurrently if not exists ", 1)

    @property
    def removal(self) -> str:
        return f"drop index concurrently if exists {quoted(self.schema)}.{quoted(self.name)};"


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan says in a sentence, and the indexes that it seems to miss."""

    said: str
    proposals: tuple[Index, ...] = ()


def planned(checking: Checking, text: str, *, secret: bool = False) -> Planned:
    """Ask for the plan that holds for any values; the statement is not run, and why there is no plan is said.

    `secret`: the text has values of its own, so that what the server says of it is not repeated.
    """
    if not _PLANNED.match(text):
        return Planned("It has no plan.")
    try:
        plan = _explained(checking, text)
    except errors.OpsError as error:
        return Planned("It could not be planned." if secret else f"It could not be planned: {error}")
    scans = [node for node in _nodes(plan) if node.get("Node Type") == "Seq Scan" and node.get("Filter")]
    found = [each for node in scans for each in _missing(checking, node)]
    cost = f"Its plan costs {plan.get('Total Cost', 0):.0f}"
    if not found:
        return Planned(f"{cost}, and no index seems to be missing.")
    tables = ", ".join(dict.fromkeys(f"{node['Schema']}.{node['Relation Name']}" for node in scans))
    known = "" if secret else text
    return Planned(
        f"{cost}, and reads {tables} whole.",
        tuple(replace(each, text=known) for each in dict.fromkeys(found)),
    )


def uses(checking: Checking, index: Index) -> bool | None:
    """Say whether the statement for which an index was proposed would use it; None where it cannot be planned."""
    if not index.text:
        return None
    try:
        plan = _explained(checking, index.text)
    except errors.OpsError:
        return None
    return any(node.get("Index Name") == index.name for node in _nodes(plan))


def _explained(checking: Checking, text: str) -> dict[str, Any]:
    """Let the server plan it for any values: a statement of pg_stat_statements has none."""
    count = max((int(number) for number in _PARAMETER.findall(text)), default=0)
    values = sql.SQL(", ").join([sql.SQL("null")] * count)
    name = sql.Identifier(_NAME)
    # The text is the server's own, and is prepared and planned in a transaction that only reads; it never runs.
    prepare = sql.SQL("prepare {} as ").format(name) + sql.SQL(cast("LiteralString", text))
    execute = sql.SQL("execute {}({})").format(name, values) if count else sql.SQL("execute {}").format(name)
    with checking.reading() as connection:
        connection.execute("set local plan_cache_mode = force_generic_plan")
        connection.execute(prepare, prepare=False)
        try:
            ((found,),) = connection.execute(
                sql.SQL("explain (verbose, format json) ") + execute, prepare=False
            ).fetchall()
        finally:
            # It belongs to the session, whatever becomes of the transaction.
            connection.execute(sql.SQL("deallocate {}").format(name), prepare=False)
    told = json.loads(found) if isinstance(found, str) else found
    return told[0]["Plan"]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)


def _missing(checking: Checking, node: dict[str, Any]) -> Iterator[Index]:
    """Yield the index that a scan of a large table would need, unless there is one that begins so."""
    schema, table = str(node["Schema"]), str(node["Relation Name"])
    with checking.reading() as connection, database.translating():
        asked = {"schema": schema, "table": table}
        found = connection.execute(queries.load("incident/table_indexes"), asked).fetchone()
    rows, leading = found or (0, [])
    columns = _columns(str(node["Alias"]), str(node["Filter"]))
    if rows < _LEAST_ROWS or not columns or set(columns) & set(leading):
        return
    yield Index(schema, table, columns, _name(checking, schema, "_".join((table, *columns))))


def _name(checking: Checking, schema: str, stem: str) -> str:
    """Return a name as the server would give it, that nothing in the schema has."""
    endings = ("idx", *(f"idx{number}" for number in range(1, 10)))
    names = [f"{_cut(stem, _LONGEST_NAME - len(ending) - 1)}_{ending}" for ending in endings]
    with checking.reading() as connection, database.translating():
        asked = {"schema": schema, "names": names}
        ((taken,),) = connection.execute(queries.load("incident/names_taken"), asked).fetchall()
    return next((name for name in names if name not in taken), names[0])


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode("utf-8", "ignore")


def _columns(alias: str, text: str) -> tuple[str, ...]:
    """Return what an index would have: the columns that are compared for being equal, and then one of a range."""
    found = re.findall(_COMPARED.format(alias=re.escape(alias)), text)
    equal = dict.fromkeys(name for name, operator in found if operator == "=")
    ranged = [name for name, operator in found if operator != "=" and name not in equal]
    return (*equal, *ranged[:1])
