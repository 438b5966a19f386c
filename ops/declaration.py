"""What the app needs of its database, in a file that a person can read and edit: `supabase/schema.toml`.

[public.logs.columns]
id = "bigint not null generated always as identity"
body = "text not null default ''::text"

[public.logs.constraints]
logs_pkey = "PRIMARY KEY (id)"

[public.logs.indexes]
logs_body_idx = "CREATE INDEX logs_body_idx ON public.logs USING btree (body)"
"""

from __future__ import annotations

import difflib
import functools
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ops import database, errors, marker, queries, toml_places

_KINDS = ("columns", "constraints", "indexes")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEAD = """\
# What the app needs of its database. The deploy gate looks for every line of this; what the database has beyond
# it is no failure, so delete what the app does not need. Types, defaults and definitions are in the server's words;
# `int8` is `bigint`. Written by `runbooks schema declare`.
"""
_SPEC = re.compile(
    r"^(?P<type>.+?)(?P<required>\s+not\s+null)?"
    r"(?:\s+(?P<filled>(?:default|generated\s+(?:always|by\s+default)\s+as)\s+.+?))?(?P<late>\s+not\s+null)?$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Column:
    """A column; `filled` is its default or how it is generated, in words of SQL."""

    type: str
    required: bool
    filled: str | None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.type, "not null" if self.required else "", self.filled)))


@dataclass(frozen=True)
class Shape:
    """What a table has; `invalid` names indexes that the server does not use."""

    columns: dict[str, Column] = field(default_factory=dict[str, Column])
    constraints: dict[str, str] = field(default_factory=dict[str, str])
    indexes: dict[str, str] = field(default_factory=dict[str, str])
    invalid: set[str] = field(default_factory=set[str])


Declared = dict[tuple[str, str], Shape]
Where = Callable[[tuple[str, ...]], str]


def own_schemas(connection: database.Connection) -> list[str]:
    """Return the schemas that are the project's own."""
    with database.translating():
        found = connection.execute(
            queries.load("declaration/own_schemas"), {"platform": list(marker.PLATFORM_SCHEMAS)}
        )
        return [name for (name,) in found]


def of_database(connection: database.Connection, schemas: list[str]) -> Declared:
    """Return what the tables and views of these schemas have; names in it are qualified."""
    found: Declared = {}
    values = {"schemas": schemas}
    with database.translating(), connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        connection.execute("set local search_path = ''")
        for schema, table, name, kind, required, filled in connection.execute(
            queries.load("declaration/columns"), values
        ):
            found.setdefault((schema, table), Shape()).columns[name] = Column(kind, required, filled)
        for schema, table, name, definition in connection.execute(
            queries.load("declaration/constraints"), values
        ):
            found.setdefault((schema, table), Shape()).constraints[name] = definition
        for schema, table, name, definition, valid in connection.execute(
            queries.load("declaration/indexes"), values
        ):
            shape = found.setdefault((schema, table), Shape())
            shape.indexes[name] = definition
            shape.invalid.update(() if valid else (name,))
    return found


def text(declared: Declared) -> str:
    """Return the file that declares all this."""
    return "\n".join((_HEAD, *_lines(declared)))


def read(path: Path) -> Declared:
    """Read a declaration.

    Raises:
        Refused: there is none, or it has a mistake; the message names the line or the key.
    """
    try:
        source = path.read_text("utf-8-sig")
        parsed = tomllib.loads(source)
    except FileNotFoundError:
        raise errors.Refused(
            f"There is no {path.name}, so it is not known what the app needs of its database. Write it from a "
            f"database that is right: runbooks schema declare NAME_OF_SECRET --out {path}."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise errors.Refused(f"{path.name} cannot be read as TOML: {error}. Mend the file.") from None
    where = functools.partial(toml_places.told, path.name, source)
    return {
        (schema, table): _shape(where, (schema, table), parts)
        for schema, tables in _tables(where, parsed, ()).items()
        for table, parts in _tables(where, tables, (schema,)).items()
    }


def places(path: Path, name: Path) -> Where:
    """Return what says where in the declaration, called by this name, a key stands."""
    return functools.partial(toml_places.told, name.as_posix(), path.read_text("utf-8-sig"))


def column(spec: str) -> Column:
    """Take a column's line apart: type, `not null`, default or generation."""
    found = _SPEC.match(" ".join(spec.split()))
    if found is None:
        raise ValueError("empty")
    required = bool(found["required"] or found["late"])
    return Column(found["type"].strip(), required, found["filled"])


def _tables(where: Where, value: object, place: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise errors.Refused(
            f"{where(place)}: {'.'.join(place)} is no table of TOML. Write [schema.table.columns] and below it "
            'name = "type".'
        )
    return cast("dict[str, Any]", value)


def _shape(where: Where, place: tuple[str, str], parts: object) -> Shape:
    named = _tables(where, parts, place)
    for key in named:
        if key not in _KINDS:
            near = difflib.get_close_matches(key, _KINDS, n=1)
            hint = f" The nearest is {near[0]!r}." if near else ""
            raise errors.Refused(
                f"{where((*place, key))}: {'.'.join(place)}.{key}: a table has {', '.join(_KINDS)}.{hint}"
            )
    lines = {
        kind: _texts(where, (*place, kind), _tables(where, named.get(kind, {}), (*place, kind)))
        for kind in _KINDS
    }
    columns = {name: column(spec) for name, spec in lines["columns"].items()}
    return Shape(columns, dict(lines["constraints"]), dict(lines["indexes"]))


def _texts(where: Where, place: tuple[str, ...], lines: Mapping[str, object]) -> dict[str, str]:
    for name, value in lines.items():
        if not isinstance(value, str) or not value.strip():
            key = (*place, name)
            raise errors.Refused(
                f'{where(key)}: {".".join(key)} is no text. Write it in quotes, such as {name} = "text not null".'
            )
    return cast("dict[str, str]", dict(lines))


def _lines(declared: Declared) -> Iterator[str]:
    for (schema, table), shape in sorted(declared.items()):
        for kind in _KINDS:
            entries: dict[str, Any] = getattr(shape, kind)
            if entries:
                yield f"[{_key(schema)}.{_key(table)}.{kind}]"
                yield from (f"{_key(name)} = {_quoted(str(said))}" for name, said in entries.items())
                yield ""


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _quoted(said: str) -> str:
    # What JSON escapes TOML does too, but for the one sign that TOML forbids and JSON lets stand.
    return json.dumps(said, ensure_ascii=False).replace("\x7f", "\\u007f")
