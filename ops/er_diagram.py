"""An ER diagram in Mermaid's language: names that it cannot take are written in signs that it can.

Mermaid refuses to draw more than 50,000 characters or 500 lines between tables, so that a large schema shows less of
each table, and a very large one is drawn in parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ops.schema_shape import Column, ForeignKey, Relation

MOST_CHARACTERS, MOST_EDGES = 50_000, 500
_HEAD = "erDiagram\n"
# Beyond them stand quotes, signs of Mermaid's own language, and white space, with which a name could be a command.
_ENTITY = re.compile(r"[^\w-]")
_WORD = re.compile(r"[^0-9A-Za-z_\u00c0-\uffff]|\W")
_COMMENT = re.compile(r'[\x00-\x1f\x7f-\x9f"`%#:;<>{}\\]')
# As a whole word these are a column's kind of key, in any letters.
_KIND_OF_KEY = re.compile(r"(pk|fk|uk)(?![0-9A-Za-z_])", re.IGNORECASE)
_MODIFIER = re.compile(r"\([^)]*\)")

Shown = Callable[[Column, set[str]], bool]
_LEVELS: tuple[Shown, ...] = (
    lambda _column, _foreign: True,
    lambda column, foreign: column.in_key or column.name in foreign,
    lambda _column, _foreign: False,
)


def draw(relations: Sequence[Relation]) -> tuple[str, ...]:
    """Return the diagrams: one with all columns, or with those of keys, or with none; or several of these."""
    tables = [relation for relation in relations if relation.is_table]
    if not tables:
        return ()
    names = _names(tables)
    for level in _LEVELS:
        parts = [_part(table, names, level) for table in tables]
        if _fits(parts):
            return (_HEAD + "".join(parts),)
    return tuple(_HEAD + "".join(parts) for parts in _split([_part(t, names, _LEVELS[-1]) for t in tables]))


def _split(parts: Sequence[str]) -> Iterator[list[str]]:
    taken: list[str] = []
    for part in parts:
        if taken and not _fits([*taken, part]):
            yield taken
            taken = []
        taken.append(part)
    yield taken


def _fits(parts: Sequence[str]) -> bool:
    text = "".join(parts)
    return len(_HEAD) + len(text) <= MOST_CHARACTERS and text.count(" : ") <= MOST_EDGES


def _part(table: Relation, names: dict[tuple[str, str], str], shown: Shown) -> str:
    foreign = {column for key in table.foreign_keys for column in key.columns}
    columns = [column for column in table.columns if shown(column, foreign)]
    lines = [f'    "{names[table.key]}"{" {" if columns else ""}']
    if columns:
        lines += [f"        {line}" for line in _columns(columns, foreign)]
        lines.append("    }")
    lines += [f"    {_edge(table, key, names)}" for key in table.foreign_keys]
    return "\n".join(lines) + "\n"


def _columns(columns: Sequence[Column], foreign: set[str]) -> Iterator[str]:
    words = _distinct([column.name for column in columns], [_word(column.name) for column in columns])
    for column, word in zip(columns, words, strict=True):
        keys = [kind for kind, has in (("PK", column.in_key), ("FK", column.name in foreign)) if has]
        line = " ".join(part for part in (_type(column.type), word, ", ".join(keys)) if part)
        yield line if word == column.name else f'{line} "{_COMMENT.sub("_", column.name)}"'


def _edge(table: Relation, key: ForeignKey, names: dict[tuple[str, str], str]) -> str:
    parent = names.get(key.parent) or _entity(key.parent)
    cardinality = f"{'|o' if key.optional else '||'}--{'o|' if key.single else 'o{'}"
    return f'"{parent}" {cardinality} "{names[table.key]}" : "{_ENTITY.sub("_", key.name)}"'


def _names(tables: Sequence[Relation]) -> dict[tuple[str, str], str]:
    beside = {key.parent for table in tables for key in table.foreign_keys}
    keys = sorted({table.key for table in tables} | beside)
    written = _distinct([".".join(key) for key in keys], [_entity(key) for key in keys])
    return dict(zip(keys, written, strict=True))


def _entity(key: tuple[str, str]) -> str:
    return ".".join(_ENTITY.sub("_", part) for part in key)


def _word(name: str) -> str:
    word = _WORD.sub("_", name)
    return f"_{word}" if not re.match(r"[A-Za-z_\u00c0-\uffff]", word) or _KIND_OF_KEY.match(word) else word


def _type(name: str) -> str:
    return _word(_MODIFIER.sub("", name).rpartition(".")[2].strip('"'))


def _distinct(names: Sequence[str], written: Sequence[str]) -> list[str]:
    """Return what each is written as: what can stay as it is stays, and others get a number where it is taken."""
    taken = {name for name, word in zip(names, written, strict=True) if name == word}
    found: list[str] = []
    for name, word in zip(names, written, strict=True):
        number, wanted = 1, word
        while name != word and wanted in taken:
            number += 1
            wanted = f"{word}_{number}"
        taken.add(wanted)
        found.append(wanted)
    return found
