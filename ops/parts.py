"""What an object of a schema belongs to, as its name and definition say it: a table's index goes with the table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ops.schema import Key

_NAME = r'(?:"(?:[^"]|"")*"|[^\s".,()]+)'
_QUALIFIED = rf"{_NAME}\.{_NAME}"
_RELATIONS = ("table", "view", "materialized view", "foreign table", "type", "domain")
# Called by the whole's name and a name of their own.
_NAMED_AFTER = frozenset({"column", "constraint", "trigger", "policy", "rule"})
_LAST_NAME = re.compile(rf"\.({_NAME})\Z")
# With a name beside the whole's; the definition says of what they are.
_SAYING = {
    "index": re.compile(rf"\ACREATE (?:UNIQUE )?INDEX {_NAME} ON (?:ONLY )?({_QUALIFIED}) "),
    "statistics": re.compile(rf"\ACREATE STATISTICS {_QUALIFIED}[\s\S]*? FROM ({_QUALIFIED})$", re.MULTILINE),
    "sequence": re.compile(rf"^(?:owned by|identity of) ({_QUALIFIED}\.{_NAME})$", re.MULTILINE),
}
# Said of another object, as `table s.t`, `table column s.t.a`, `policy p on s.t`, `function s.f(integer) to anon`.
_SAID = {
    "grant": re.compile(rf"\A(.*) to {_NAME}\Z", re.DOTALL),
    "comment": re.compile(r"\A(.*)\Z", re.DOTALL),
    "security label": re.compile(r"\A\S+ on (.*)\Z", re.DOTALL),
}
_PART_ON = re.compile(
    rf"\A(?:(?:table|domain) )?(constraint|trigger|policy|rule) ({_NAME}) on (.*)\Z", re.DOTALL
)
_WORDS = re.compile(r"\A([a-z-]+(?: [a-z]+)*) (.*)\Z", re.DOTALL)
_CALLED = {"statistics object": "statistics", "foreign-data wrapper": "foreign data wrapper"}
_PAIRS = {
    "role membership": re.compile(rf"\A({_NAME}) in ({_NAME})\Z"),
    "setting": re.compile(rf"\A({_NAME})(?: in this database)?\Z"),
}
_PUBLISHED = re.compile(rf"\A({_NAME}): (.*)\Z", re.DOTALL)


def names(text: str) -> list[str]:
    """Return the names in a list of names."""
    return re.findall(_NAME, text)


def owners(key: Key, text: str) -> Iterator[Key]:
    """Yield the objects with which one is gone, or new."""
    kind, identity = key
    if kind in _NAMED_AFTER:
        yield from _relation(_LAST_NAME.sub("", identity))
    elif kind == "column order":
        yield from _relation(identity)
    elif kind in _SAYING and (said := _SAYING[kind].search(text)):
        yield from _of_relation(kind, identity, said[1])
    elif kind in _SAID and (said := _SAID[kind].match(identity)):
        yield from _said_of(said[1])
    elif kind in _PAIRS and (said := _PAIRS[kind].match(identity)):
        yield from (("role", name) for name in said.groups())
    elif kind.startswith("publication ") and (said := _PUBLISHED.match(identity)):
        yield "publication", said[1]
        yield from _relation(said[2])


def _relation(identity: str) -> Iterator[Key]:
    yield from ((kind, identity) for kind in _RELATIONS)


def _of_relation(kind: str, identity: str, whole: str) -> Iterator[Key]:
    if kind == "sequence":
        yield "column", whole
        whole = _LAST_NAME.sub("", whole)
    elif kind == "index" and (own := _LAST_NAME.search(identity)):
        yield "constraint", f"{whole}.{own[1]}"
    yield from _relation(whole)


def _said_of(thing: str) -> Iterator[Key]:
    if part := _PART_ON.match(thing):
        yield part[1], f"{part[3]}.{part[2]}"
        yield from _relation(part[3])
    elif words := _WORDS.match(thing):
        kind, identity = words.groups()
        if kind.endswith(" column"):
            yield "column", identity
            yield from _relation(_LAST_NAME.sub("", identity))
        elif kind in {"composite type", "type"}:
            yield from _relation(identity)
        else:
            yield _CALLED.get(kind, kind), identity
