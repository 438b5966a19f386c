"""The part of Mermaid's grammar for ER diagrams that is written here, read strictly: what it does not know is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = r"[A-Za-z_\u00c0-\uffff][0-9A-Za-z_\u00c0-\uffff]*"
_ENTITY = re.compile(r'    "([\w.-]+)"( \{)?')
_COLUMN = re.compile(rf'        ({_WORD}) ({_WORD})(?: (PK|FK|PK, FK))?(?: "([^"`%#:;<>{{}}\\]+)")?')
_EDGE = re.compile(r'    "([\w.-]+)" (\|\||\|o)--(o\{|o\|) "([\w.-]+)" : "([\w.-]+)"')
# Whole words that the grammar takes for a column's kind of key before it takes them for a name.
_RESERVED = re.compile(r"(pk|fk|uk)\b", re.IGNORECASE | re.ASCII)


@dataclass
class Diagram:
    """What a diagram says: columns by table as (type, name, keys, comment), and edges."""

    tables: dict[str, list[tuple[str, str, str, str]]] = field(
        default_factory=dict[str, list[tuple[str, str, str, str]]]
    )
    edges: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])


def read(text: str) -> Diagram:
    """Read a diagram; a line that the grammar does not take fails the test."""
    first, *lines = text.removesuffix("\n").split("\n")
    assert first == "erDiagram"
    found, block = Diagram(), ""
    for line in lines:
        if block and line == "    }":
            assert found.tables[block], "an empty block"
            block = ""
        elif block:
            column = _COLUMN.fullmatch(line)
            assert column, line
            assert not any(_RESERVED.match(word) for word in column.groups()[:2]), line
            found.tables[block].append(tuple(part or "" for part in column.groups()))  # pyright: ignore[reportArgumentType]
        elif entity := _ENTITY.fullmatch(line):
            assert entity[1] not in found.tables, f"{entity[1]} twice"
            found.tables[entity[1]] = []
            block = entity[1] if entity[2] else ""
        else:
            edge = _EDGE.fullmatch(line)
            assert edge, line
            found.edges.append((edge[1], f"{edge[2]}--{edge[3]}", edge[4], edge[5]))
    assert not block
    return found
