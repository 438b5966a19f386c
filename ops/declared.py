"""Whether the database has what the app needs: deploy-gate.md, "bootstrap schema check".

What the database has beyond the declaration is no failure.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ops import database, declaration, sql_types
from ops.declaration import Column, Declared, Shape, Where
from ops.deploy_verdict import Found

Row = dict[str, Any]
_KINDS = ("columns", "constraints", "indexes")
_MOST_SAID = 3


def check(connection: database.Connection, declared: Declared, *, where: Where = lambda _: "") -> Found:
    """Look for everything that is declared, and name what is missing or otherwise; `where` a key is declared.

    Raises:
        Unavailable: the connection is lost.
    """
    schemas = {schema for schema, _ in declared}
    # The project's own as well, since the schema itself may be misspelt.
    existing = declaration.of_database(connection, sorted(schemas.union(declaration.own_schemas(connection))))
    # What is declared itself was not renamed from something else that is declared.
    others = [".".join(key) for key in existing.keys() - declared.keys()]
    rows = tuple(
        row | {"place": where(row.pop("keys"))}
        for (schema, table), shape in sorted(declared.items())
        for row in _table((schema, table), shape, existing.get((schema, table)), others)
    )
    parts = sum(len(getattr(shape, kind)) for shape in declared.values() for kind in _KINDS)
    counted = f"{len(declared):,} tables and {parts:,} columns, constraints and indexes"
    if not declared:
        return Found(
            ok=False,
            checked=False,
            summary="The declaration declares nothing, so nothing was looked for.",
            next_steps=("Declare what the app needs: runbooks schema declare NAME_OF_SECRET.",),
        )
    if not rows:
        return Found(ok=True, summary=f"The database has what is declared: {counted}.")
    said = "; ".join(map(_said, rows[:_MOST_SAID]))
    more = f"; +{len(rows) - _MOST_SAID} more" if len(rows) > _MOST_SAID else ""
    return Found(
        ok=False,
        summary=f"{len(rows):,} of what is declared ({counted}) are not so: {said}{more}.",
        rows=rows,
        next_steps=tuple(_steps(rows)),
    )


def _said(row: Row) -> str:
    place = f" ({row['place']})" if row["place"] else ""
    return f"{row['kind']} {row['object']} {row['problem']}{place}"


def _table(keys: tuple[str, str], wanted: Shape, found: Shape | None, others: Iterable[str]) -> Iterator[Row]:
    name = ".".join(keys)
    if found is None:
        yield _row("table", name, f"does not exist{_near(name, others)}", "missing") | {"keys": keys}
        return
    left = found.columns.keys() - wanted.columns.keys()
    for column, spec in wanted.columns.items():
        for row in _column(f"{name}.{column}", spec, found.columns.get(column), left):
            yield row | {"keys": (*keys, "columns", column)}
    for kind, plural in (("constraint", "constraints"), ("index", "indexes")):
        there: Mapping[str, str] = getattr(found, plural)
        lines: Mapping[str, str] = getattr(wanted, plural)
        for each, definition in lines.items():
            for row in _defined(kind, name, each, definition, there, there.keys() - lines.keys()):
                yield row | {"keys": (*keys, plural, each)}
    for index in sorted(found.invalid & wanted.indexes.keys()):
        said = "is INVALID, so the server does not use it"
        yield _row("index", f"{name}: {index}", said, "invalid") | {"keys": (*keys, "indexes", index)}


def _column(name: str, wanted: Column, found: Column | None, left: Iterable[str]) -> Iterator[Row]:
    if found is None:
        yield _row(
            "column", name, f"does not exist{_near(name.rpartition('.')[2], left)}", "missing", str(wanted)
        )
        return
    both = str(wanted), str(found)
    if not sql_types.same(wanted.type, found.type):
        yield _row("column", name, f"is of type {found.type} and not {wanted.type}", "type", *both)
    if wanted.required != found.required:
        said = (
            "may be null and must not be"
            if wanted.required
            else "must not be null, and the app may leave it so"
        )
        yield _row("column", name, said, "nullability", *both)
    if wanted.filled and not sql_types.same_default(wanted.filled, found.filled):
        said = f"has {found.filled or 'no default'} and not {wanted.filled}"
        yield _row("column", name, said, "default", *both)
    elif not wanted.filled and (found.filled or "").startswith("generated always as ("):
        yield _row("column", name, f"is {found.filled}, so the app cannot write it", "default", *both)


def _defined(
    kind: str, table: str, key: str, wanted: str, there: Mapping[str, str], left: Iterable[str]
) -> Iterator[Row]:
    name = f"{table}: {key}"
    found = there.get(key)
    if found is None:
        like = [other for other, text in there.items() if _nameless(text, other) == _nameless(wanted, key)]
        hint = f"; {like[0]} says the same" if like else _near(key, left)
        yield _row(kind, name, f"does not exist{hint}", "missing", wanted)
    elif _nameless(found, key) != _nameless(wanted, key):
        yield _row(kind, name, f"is {found} and not {wanted}", "definition", wanted, found)


def _nameless(definition: str, name: str) -> str:
    """A definition without what hands write in their own way: its name, spaces, letters outside quotes."""
    plain = " ".join(definition.split()).rstrip(";").replace(f'"{name}"', "_").replace(f" {name} ", " _ ")
    return plain.lower() if "'" not in plain and '"' not in plain else plain


def _near(name: str, left: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(left), n=1, cutoff=0.5)
    return f"; the nearest that there is is {near[0]}" if near else ""


def _row(kind: str, name: str, problem: str, what: str, wanted: str = "", found: str = "") -> Row:
    return {
        "kind": kind,
        "object": name,
        "what": what,
        "declared": wanted,
        "found": found,
        "problem": problem,
    }


def _steps(rows: Iterable[Row]) -> Iterator[str]:
    kinds = {row["what"] for row in rows}
    if "missing" in kinds:
        yield (
            "Is a migration pending? Look with `runbooks rehearse`, and promote it before the app that needs it; "
            "where the name has changed on purpose, mend the declaration."
        )
    if kinds & {"type", "nullability", "default", "definition"}:
        yield (
            "Somebody changed the schema by hand, or the declaration is old: write a migration that brings it back, "
            "or declare anew with `runbooks schema declare`."
        )
    if "invalid" in kinds:
        yield "Drop the INVALID index and build it again: `drop index concurrently`, `create index concurrently`."
    if any(row["kind"] == "table" for row in rows):
        yield "If the app fails to load: check DATABASE_URL, then DATASTORE; it may be another database."
