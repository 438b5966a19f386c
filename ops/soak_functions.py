"""Which functions of an app write to tables, and which of several that have one name an error was in.

A log names a function by its signature in the context of PL/pgSQL, with its schema where the session's search_path does
not find it; in a statement, and in the context of SQL, as whoever wrote it did.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Path = Literal["on", "off", "unknown"]
WRITES = re.compile(r"\b(insert|update|delete|merge|copy|truncate)\b", re.IGNORECASE)
DYNAMIC = re.compile(r"\bexecute\b", re.IGNORECASE)
_WORD = re.compile(r"[\w$]+")
_READABLE = ("sql", "plpgsql")
_SCHEMA = r'(?:(?P<schema>"[^"]+"|[\w$]+)\s*\.\s*)?'


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the app, and what it does."""

    name: str
    language: str
    body: str
    schema: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Namesake:
    """One of several functions of one name, and whether it is on a write path."""

    schema: str
    name: str
    arguments: str
    path: Path

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}({self.arguments})"


@dataclass(frozen=True, slots=True)
class Sorted:
    """By name: the functions that write, those that may do anything, and all of a name that are not of one kind."""

    writing: frozenset[str]
    opaque: frozenset[str]
    namesakes: Mapping[str, tuple[Namesake, ...]]


def sorted_out(known: Collection[Function], relations: frozenset[str]) -> Sorted:
    """Return the functions that write to these relations, and of the others those whose text hides what they run."""
    alike: dict[str, list[Function]] = defaultdict(list)
    for each in known:
        alike[each.name].append(each)
    writing = {each for each in known if WRITES.search(each.body) and names(relations, each.body)}
    writing = _callers(alike, writing, {"on"})
    opaque = {
        each
        for each in known
        if each.language not in _READABLE or (each.language == "plpgsql" and DYNAMIC.search(each.body))
    }
    # What calls one of several by its name alone may call the one that writes.
    opaque |= _callers(alike, writing, {"on", "unknown"}) - writing
    opaque = _callers(alike, opaque, {"on", "unknown"}) - writing
    writes, hides = frozenset(each.name for each in writing), frozenset(each.name for each in opaque)
    mixed = {name for name in writes if not writing.issuperset(alike[name])}
    return Sorted(
        writes, hides - writes, {name: tuple(_namesakes(alike[name], writing, opaque)) for name in mixed}
    )


def which(alike: Collection[Namesake], texts: Iterable[str], context: str) -> Path:
    """Say whether the one of several namesakes that was run writes: by schema and argument types, if they are said."""
    name = next(iter(alike)).name
    in_texts = {_narrowed(alike, *said) for text in texts for said in _said(name, text)}
    in_context = {_narrowed(alike, *said) for said in _said(name, context)}
    if "on" in in_texts | in_context:
        return "on"
    # A statement that names one by its name alone is explained by a context that says which, and the other way round.
    if in_context == {"off"} or (in_texts == {"off"} and in_context <= {"off", "unknown"}):
        return "off"
    return "unknown" if in_texts | in_context else "off"


def told_apart(alike: Iterable[Namesake]) -> str:
    """Say which of several namesakes are on a write path, for a person."""
    words = {"on": "is on a write path", "off": "is on none", "unknown": "may be on one"}
    return ", ".join(f"{each} {words[each.path]}" for each in sorted(alike, key=str))


def names(chosen: Iterable[str], text: str) -> set[str]:
    """Return which names a text has; case does not matter, since it does not to an unquoted name."""
    folded = text.casefold()
    words = set(_WORD.findall(folded))
    return {
        name
        for name in chosen
        if name.casefold() in words or (not _WORD.fullmatch(name) and name.casefold() in folded)
    }


def calls(chosen: Iterable[str], text: str) -> set[str]:
    """Return which functions a text calls, or, as a context, was in."""
    return {
        name
        for name in names(chosen, text)
        if re.search(
            rf'{re.escape(name)}"?\s*\(|function "?(?:[^\s(]+\.)?"?{re.escape(name)}\b', text, re.IGNORECASE
        )
    }


def _callers(
    alike: Mapping[str, Collection[Function]], called: set[Function], paths: Collection[Path]
) -> set[Function]:
    """Return these with all that call them, through however many others."""
    found = set(called)
    known = [each for some in alike.values() for each in some]
    while more := {
        each
        for each in known
        if each not in found
        and any(
            _calls_one(alike[name], found, each.body) in paths
            for name in calls({one.name for one in found}, each.body)
        )
    }:
        found |= more
    return found


def _calls_one(alike: Collection[Function], found: set[Function], body: str) -> Path:
    """Say whether a body that calls a function of this name calls one of those that were found."""
    if found.issuperset(alike):
        return "on"
    return which(tuple(_namesakes(alike, found, set())), (body,), "")


def _namesakes(
    alike: Iterable[Function], writing: Collection[Function], opaque: Collection[Function]
) -> Iterator[Namesake]:
    for each in alike:
        path: Path = "on" if each in writing else "unknown" if each in opaque else "off"
        yield Namesake(each.schema, each.name, each.arguments, path)


def _said(name: str, text: str) -> Iterator[tuple[str, str | None]]:
    """Yield how a text names a function: by which schema, if any, and by which argument types, where it says them."""
    quoted = re.escape(name)
    frame = re.compile(rf'\bfunction "?{_SCHEMA}"?{quoted}\b"?(?:\((?P<types>[^)]*)\))?', re.IGNORECASE)
    for found in frame.finditer(text):
        yield _plain(found["schema"]), found["types"]
    call = re.compile(rf'(?<![\w$]){_SCHEMA}"?(?<![\w$]){quoted}"?\s*\(', re.IGNORECASE)
    for found in call.finditer(frame.sub(" ", text)):
        yield _plain(found["schema"]), None


def _narrowed(alike: Iterable[Namesake], schema: str, types: str | None) -> Path:
    left = [each for each in alike if not schema or each.schema.casefold() == schema.casefold()]
    if types is not None:
        left = [each for each in left if _bare(each.arguments) == _bare(types)] or left
    paths: set[Path] = {each.path for each in left}
    if len(paths) > 1:
        return "unknown"
    return paths.pop() if paths else "off"


def _bare(types: str) -> list[str]:
    """Return argument types without their schemas, which are said as the session's search_path has it."""
    return [each.strip().rpartition(".")[2] for each in types.split(",")]


def _plain(schema: str | None) -> str:
    return (schema or "").strip('"')
