"""Whether two databases are the same: schema, rows, sequences and the Supabase CLI's history."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from ops import comparison, database, rows, schema
from ops.verdict import Difference

# How a file was split into statements is each tool's own.
_ASKED = {
    "history": "select version, name from supabase_migrations.schema_migrations",
    "sequences": "select schemaname, sequencename, last_value from pg_sequences "
    "where schemaname not in ('runbooks', 'supabase_migrations')",
}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d:\d\d)?")
_PASSWORD = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")


@dataclass(frozen=True)
class Alike:
    """What is not the same, of how much; `anew` are tables whose rows differ only in what is made anew each time.

    That is a UUID that the other database has nowhere, a time since both were begun or whole seconds away from one of
    these, the hash of a password.
    """

    differences: tuple[str, ...]
    objects: int
    rows: int
    anew: tuple[str, ...]


def compared(dsns: tuple[str, str], *, since: datetime) -> Alike:
    """Compare everything in two databases, ours of `runbooks` aside; the logins are superusers'."""
    with ExitStack() as stack:
        one, other = (stack.enter_context(database.connect(dsn)) for dsn in dsns)
        snapshots = schema.snapshot(one), schema.snapshot(other)
        ledgers = rows.Ledger.read(one), rows.Ledger.read(other)
        found = [f"schema: {_said(each)}" for each in comparison.compare(*snapshots)]
        found += [f"rows: {name}: too large to compare" for name in ledgers[0].too_large]
        anew, different = _rows(ledgers[0].images, ledgers[1].images, since)
        found += [f"rows: {each}" for each in different]
        for what, query in _ASKED.items():
            asked = [{*connection.execute(query.encode())} for connection in (one, other)]
            found += [f"{what}: {row}" for row in sorted(asked[0] ^ asked[1], key=str)]
    counted = sum(image.count for image in ledgers[0].images.values())
    return Alike(differences=tuple(found), objects=len(snapshots[0]), rows=counted, anew=tuple(anew))


def _rows(one: rows.Images, other: rows.Images, since: datetime) -> tuple[list[str], list[str]]:
    """Return the tables that are the same but for what is made anew, and what else is not the same."""
    anew, different = list[str](), list[str]()
    known = _uuids(one) & _uuids(other)
    for name in sorted({*one, *other}):
        left, right = (_texts(images, name) for images in (one, other))
        if left == right:
            continue
        before, after = (
            Counter(map(_masking(known, since, texts), texts.elements())) for texts in (left, right)
        )
        if before == after:
            anew.append(name)
        different += [f"{name}: only of one: {text}" for text in (before - after).elements()]
        different += [f"{name}: only of the other: {text}" for text in (after - before).elements()]
    return anew, different


def _texts(images: rows.Images, name: str) -> Counter[str]:
    return Counter(images[name].rows if name in images else None)


def _uuids(images: rows.Images) -> set[str]:
    return {each for name in images for text in _texts(images, name) for each in _UUID.findall(text)}


def _masking(known: set[str], since: datetime, texts: Counter[str]) -> Callable[[str], str]:
    moments = {_moment(found[0]) for text in texts for found in _TIME.finditer(text)}
    anew = {moment.microsecond: moment for moment in moments if moment >= since and moment.microsecond}

    def time(found: re.Match[str]) -> str:
        moment = _moment(found[0])
        if moment >= since:
            return "now"
        near = anew.get(moment.microsecond)
        return f"now - {near - moment}" if near else found[0]

    def masked(text: str) -> str:
        text = _UUID.sub(lambda found: found[0] if found[0] in known else "uuid", text)
        return _TIME.sub(time, _PASSWORD.sub("password", text))

    return masked


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _said(each: Difference) -> str:
    return f"{each.kind} {each.object}: {each.note or f'{each.before!r} is not {each.after!r}'}"
