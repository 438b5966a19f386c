"""The rows of a database's tables, kept so that what a rollback loses can be named.

Row contents never leave this module: differences name a row by its primary key and the columns that differ.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from psycopg import sql

from ops import database, queries
from ops.verdict import Difference

# Beyond these the rows of a table are not kept, the largest tables first; the evidence says so.
LARGEST_TABLE_BYTES = 64 * 1024 * 1024
MOST_BYTES = 256 * 1024 * 1024
NAMED_ROWS = 5

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Image:
    """The rows of one table at one time; `rows` is `None` where the table was too large to keep.

    `stamped` are the columns, by number and name, that a trigger may set to the time of an update.
    """

    oid: int
    table: str
    key: tuple[str, ...]
    volatile: frozenset[str]
    stamped: frozenset[str]
    rows: Counter[str] | None

    @property
    def count(self) -> int:
        return self.rows.total() if self.rows is not None else 0


Images = Mapping[str, Image]


@dataclass
class Ledger:
    """The rows of all tables as last seen, by qualified name; tables without rows are left out."""

    images: dict[str, Image] = field(default_factory=dict[str, Image])

    @classmethod
    def read(cls, connection: database.Connection) -> Ledger:
        """Read every table once."""
        return cls({image.table: image for image in _read(connection, None)})

    @property
    def too_large(self) -> tuple[str, ...]:
        return tuple(name for name, image in self.images.items() if image.rows is None)

    @property
    def count(self) -> int:
        return sum(image.count for image in self.images.values())

    def refresh(self, connection: database.Connection, touched: frozenset[int] | None) -> Images:
        """Read the touched tables again (all, if that is not known); return their images as they were.

        A table that had no rows, or is new, has the image of no rows in the answer.
        """
        if touched is not None and not touched:
            return {}
        found = {image.table: image for image in _read(connection, touched)}
        stale = {name for name, image in self.images.items() if touched is None or image.oid in touched}
        before = {name: self.images[name] for name in stale}
        before |= {name: replace(image, rows=Counter()) for name, image in found.items() if name not in stale}
        for name in stale:
            del self.images[name]
        self.images.update(found)
        return before

    def preview(self, connection: database.Connection, touched: frozenset[int] | None) -> Images:
        """Return all images as a transaction that has not committed sees them, and remember nothing of it."""
        rest = {
            name: image
            for name, image in self.images.items()
            if touched is not None and image.oid not in touched
        }
        return {**rest, **{image.table: image for image in _read(connection, touched)}}

    def of(self, names: Iterable[str]) -> Images:
        """Return the images of those of the named tables that have rows."""
        return {name: self.images[name] for name in names if name in self.images}


def _read(connection: database.Connection, oids: frozenset[int] | None) -> list[Image]:
    with database.translating():
        parameters = {"oids": None if oids is None else list(oids)}
        found = queries.ask(connection, queries.load("rows/tables"), parameters).fetchall()
        kept = _affordable({int(oid): int(size) for oid, _, size, *_ in found})
        images: list[Image] = []
        for oid, name, size, key, volatile, stamped, of_extension in found:
            if size == 0:
                continue
            # A job or a secret that is set up again is the same one under another number.
            left_out: list[str] = volatile if of_extension else []
            images.append(
                Image(
                    oid=oid,
                    table=name,
                    key=() if {*key} & {*left_out} else tuple(key),
                    volatile=frozenset(volatile),
                    stamped=frozenset(stamped),
                    rows=_rows(connection, name, left_out) if oid in kept else None,
                )
            )
        return images


def _affordable(sizes: Mapping[int, int]) -> frozenset[int]:
    """Return the tables that are kept, by oid: as many of the smallest as fit."""
    small = sorted((size, oid) for oid, size in sizes.items() if size <= LARGEST_TABLE_BYTES)
    totals = itertools.accumulate(size for size, _ in small)
    return frozenset(oid for (_, oid), total in zip(small, totals, strict=True) if total <= MOST_BYTES)


def _rows(connection: database.Connection, name: str, left_out: Sequence[str]) -> Counter[str]:
    less = sql.SQL("- {}::text[]").format(sql.Literal([*left_out])) if left_out else sql.SQL("")
    # The name is the server's own quoting (format %I.%I) of a table that exists.
    table = sql.SQL(cast("Any", name))
    query = sql.SQL("select (pg_catalog.to_jsonb(t) {})::text from only {} t").format(less, table)
    return Counter(text for (text,) in connection.execute(query).fetchall())


def differences(
    before: Images, after: Images, *, since: datetime | None = None, lenient: bool = False
) -> tuple[Difference, ...]:
    """Name the tables of `before` and `after` whose rows are not the same, and what is lost, added or changed.

    A time that a trigger may have set in this run (one later than `since`) does not count as another one. `lenient`,
    for what is done a second time, also leaves out columns whose values are made anew each time (identity, random,
    foreign keys to such) and times of which both are of this run.
    """
    found: list[Difference] = []
    for name in sorted({*before, *after}):
        left, right = before.get(name), after.get(name)
        if (left and left.rows is None) or (right and right.rows is None):
            continue
        difference = _difference(name, left, right, since=since, lenient=lenient)
        if difference:
            found.append(difference)
    return tuple(found)


def moved(start: Images, before: Images, after: Images, *, tables: Iterable[str]) -> dict[str, Image]:
    """Return the images of `start` with what happened between `before` and `after` added to them.

    Only `tables`, those that were there at the start, are followed: a seed's rows in others go with the tables.
    """
    result = dict(start)
    for name in tables:
        image = start.get(name) or after.get(name)
        if image is None:
            continue
        if name not in start:
            image = replace(image, rows=Counter[str]())
        old, new = before.get(name), after.get(name)
        if image.rows is None or new is None or new.rows is None:
            continue
        gained = new.rows - (old.rows if old and old.rows else Counter())
        result[name] = replace(image, rows=image.rows + gained)
    return result


def _difference(
    name: str, left: Image | None, right: Image | None, *, since: datetime | None, lenient: bool
) -> Difference | None:
    old, new = (Counter(image.rows or ()) if image else Counter[str]() for image in (left, right))
    lost, added = list((old - new).elements()), list((new - old).elements())
    known = left or right
    if known is None or not (lost or added):
        return None
    ignored = known.volatile if lenient else frozenset[str]()
    times = _Times(since, left.stamped & right.stamped if left and right else frozenset(), again=lenient)
    pairs = _Pairs.match([json.loads(row) for row in lost], [json.loads(row) for row in added], known.key)
    changed = {column for one, other in pairs.both for column in _differing(one, other, times) - ignored}
    if lenient and len(pairs.lost) == len(pairs.added):
        pairs = _Pairs(pairs.both, [], [])
    if not (changed or pairs.lost or pairs.added):
        return None
    return Difference(
        kind="rows",
        object=name,
        before=f"{old.total()} rows",
        after=f"{new.total()} rows",
        note=_note(pairs, changed, known.key),
    )


@dataclass(frozen=True, slots=True)
class _Pairs:
    both: list[tuple[Row, Row]]
    lost: list[Row]
    added: list[Row]

    @classmethod
    def match(cls, lost: list[Row], added: list[Row], key: tuple[str, ...]) -> _Pairs:
        """Pair the rows that have the same primary key on both sides."""
        if not key:
            return cls([], lost, added)
        by_key = {_key(row, key): row for row in added}
        both = [(row, by_key.pop(_key(row, key))) for row in lost if _key(row, key) in by_key]
        paired = {_key(row, key) for row, _ in both}
        return cls(both, [row for row in lost if _key(row, key) not in paired], list(by_key.values()))


def _key(row: Row, key: tuple[str, ...]) -> str:
    return json.dumps([row.get(column) for column in key])


@dataclass(frozen=True, slots=True)
class _Times:
    """Since when a time may be that of an update, and in which columns, by number and name: not in one made anew.

    With `again` it may be in any column, where both times are of this run.
    """

    since: datetime | None
    stamped: frozenset[str]
    again: bool

    def of_update(self, column: str, before: Any, after: Any) -> bool:
        """Whether a row has another time than before because it was updated in this run."""
        if not (isinstance(before, str) and isinstance(after, str) and self._is_later(after)):
            return False
        return column in self._columns or (self.again and self._is_later(before))

    @property
    def _columns(self) -> frozenset[str]:
        return frozenset(column.partition(" ")[2] for column in self.stamped)

    def _is_later(self, value: str) -> bool:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return False
        if self.since is None:
            return False
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.since.tzinfo)) >= self.since


def _differing(one: Row, other: Row, times: _Times) -> set[str]:
    columns = {column for column in one.keys() & other.keys() if one[column] != other[column]}
    columns |= {c for c in one.keys() ^ other.keys() if one.get(c) is not None or other.get(c) is not None}
    return {c for c in columns if not times.of_update(c, one.get(c), other.get(c))}


def _note(pairs: _Pairs, changed: set[str], key: tuple[str, ...]) -> str:
    parts: list[str] = []
    for rows, word in ((pairs.lost, "lost"), (pairs.added, "not there before")):
        if rows:
            parts.append(f"{len(rows)} {'row' if len(rows) == 1 else 'rows'} {word}{_named(rows, key)}")
    if changed:
        rows = [one for one, _ in pairs.both]
        parts.append(f"{len(rows)} changed in {', '.join(sorted(changed))}{_named(rows, key)}")
    return "; ".join(parts)


def _named(rows: list[Row], key: tuple[str, ...]) -> str:
    if not key:
        return ""
    names = [", ".join(f"{column}={row.get(column)}" for column in key) for row in rows[:NAMED_ROWS]]
    more = f" and {len(rows) - NAMED_ROWS} more" if len(rows) > NAMED_ROWS else ""
    return f" ({'; '.join(names)}{more})"
