"""The rows of one table as texts in the server's own words, and some of their columns written again.

A text is taken as the value of its column again, whatever the type: nothing is lost by the way through Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg import sql

from ops import database, errors, queries
from ops.kept_state import State, Values

DIGEST = "md5:"
_TEXT = sql.SQL("{}::text")
_DIGEST = sql.SQL(f"'{DIGEST}' || md5({{}}::text)")


@dataclass(frozen=True, slots=True)
class Table:
    """A table by its qualified name; `key` are the columns that tell its rows apart, `times` those of a time.

    Only what is in `shown`, besides these, is read as it is; of any other column, which may hold a key of the app's, a
    digest is enough to see that it has not changed.
    """

    name: str
    key: tuple[str, ...]
    times: frozenset[str]
    columns: tuple[str, ...]
    shown: frozenset[str] = frozenset()

    @property
    def identifier(self) -> sql.Identifier:
        """Its name, quoted."""
        return sql.Identifier(*_split(self.name))

    def lock(self, connection: database.Connection) -> None:
        """Keep everybody else from writing until the transaction ends; readers go on."""
        connection.execute(sql.SQL("lock table {} in share row exclusive mode").format(self.identifier))

    def read(self, connection: database.Connection) -> list[Values]:
        """Return every row, in the order of the key."""
        told = {*self.key, *self.times, *self.shown}
        texts = sql.SQL(", ").join(
            (_TEXT if column in told else _DIGEST).format(sql.Identifier(column)) for column in self.columns
        )
        key = sql.SQL(", ").join(map(sql.Identifier, self.key))
        query = sql.SQL("select {} from {} order by {}").format(texts, self.identifier, key)
        return [dict(zip(self.columns, row, strict=True)) for row in connection.execute(query).fetchall()]

    def write(
        self, connection: database.Connection, row: Values, values: Values, *, stamp: str | None = None
    ) -> None:
        """Set columns of one row, which is found by its key, and the column `stamp` to the time, if there is one."""
        sets = [sql.SQL("{} = %s").format(sql.Identifier(column)) for column in values]
        if stamp in self.columns:
            sets.append(sql.SQL("{} = timezone('utc', now())").format(sql.Identifier(stamp)))
        texts = sql.SQL(", ").join(sets)
        where = sql.SQL(" and ").join(
            sql.SQL("{} = %s").format(sql.Identifier(column)) for column in self.key
        )
        query = sql.SQL("update {} set {} where {}").format(self.identifier, texts, where)
        connection.execute(query, [*values.values(), *(row[column] for column in self.key)])

    def told(self, row: Values) -> str:
        """Name a row by its key."""
        return ", ".join(f"{column}={row[column]}" for column in self.key)


def look(
    connection: database.Connection,
    name: str,
    *,
    key: tuple[str, ...] | None = None,
    shown: Iterable[str] = (),
) -> Table:
    """Look a table up; without `key` its primary key tells its rows apart.

    Raises:
        Refused: there is no such table, nothing tells its rows apart, or a policy hides some from this login.
    """
    schema, table = _split(name)
    found = connection.execute(
        queries.load("kept_state/columns"), {"schema": schema, "name": table}
    ).fetchall()
    if not found:
        raise errors.Refused(
            f"There is no table {name} in this database, so there is nothing to change. Name it in runbooks.toml."
        )
    if any(hidden for *_, hidden in found):
        raise errors.Refused(
            f"Row level security hides rows of {name} from {connection.info.user}, so what is there cannot be known. "
            "Log in as the table's owner."
        )
    key = key or tuple(column for column, of_key, *_ in found if of_key)
    columns = tuple(column for column, _, _, generated, _ in found if not generated)
    if not key or not set(key) <= set(columns):
        raise errors.Refused(
            f"{name} has no {'columns ' + ' and '.join(key) if key else 'primary key'}, so its rows cannot be told "
            "apart. Nothing was changed."
        )
    times = frozenset(column for column, _, is_time, *_ in found if is_time)
    return Table(name, key, times, columns, frozenset(shown))


def require(table: Table, columns: tuple[str, ...]) -> None:
    """Check that a table has these columns.

    Raises:
        Refused: it has not.
    """
    if missing := [column for column in columns if column not in table.columns]:
        raise errors.Refused(
            f"{table.name} has no column {', '.join(missing)}, so it is not the table that this runbook is about. "
            "Name another one in runbooks.toml."
        )


def differing(expected: State, found: State, *, passed_over: Mapping[str, frozenset[str]]) -> list[str]:
    """Name every item, with its fields, that is not as expected; some fields of some items are passed over."""
    said: list[str] = []
    for name in [*expected, *(name for name in found if name not in expected)]:
        if name not in found or name not in expected:
            said.append(f"{name} ({'is gone' if name in expected else 'is new'})")
            continue
        left, right = expected[name], found[name]
        fields = [
            field
            for field in left | right
            if left.get(field) != right.get(field) and field not in passed_over.get(name, frozenset())
        ]
        said += [f"{name} ({', '.join(fields)})"] if fields else []
    return said


def _split(name: str) -> tuple[str, str]:
    schema, _, table = name.rpartition(".")
    return schema or "public", table
