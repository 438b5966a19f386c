"""Records straight from Postgres: `COPY` of JSON in the order of the key, row by row."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg import sql

from ops import database, errors, eval_copy_rows, eval_export_fields, eval_times, queries
from ops.eval_export_source import Aside, Record
from ops.eval_night import Night
from ops.evals import Cursor, Window

_SETTINGS: tuple[LiteralString, ...] = (
    "set transaction read only",
    # Rows that policies hide would be missing without a word.
    "set local row_security = off",
    "set local timezone = 'UTC'",
    "set local datestyle = 'ISO'",
    "set local lock_timeout = '30s'",
)
_TIMES = {"timestamp with time zone", "timestamp without time zone", "date"}
_WHOLE = {"smallint", "integer", "bigint"}
_NUMBERS = {*_WHOLE, "numeric", "real", "double precision"}


class CopySource:
    """The table of records in the environment's database."""

    resumable = True

    def __init__(self, night: Night) -> None:
        settings = night.plan.project.eval
        self._night = night
        self._page = settings.page
        self._name = eval_export_fields.table(settings.table)
        self._key = eval_export_fields.column(settings.fields.key, of="key")
        self._created = eval_export_fields.column(settings.fields.created, of="created")
        self._where = {
            eval_export_fields.column(name, of="where"): value for name, value in settings.where.items()
        }
        if night.plan.environment.database is None:
            raise errors.Refused(
                f"{night.plan.environment.name} has no database to copy records from. Name one, or read by `rest`."
            )
        self._connection = database.connect(night.dsn, application=night.run)
        try:
            with self._reading():
                self._unit: eval_times.Unit = self._found_unit()
        except errors.OpsError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def now(self) -> datetime | None:
        """Return the time on the database's clock."""
        with self._reading():
            found = self._connection.execute(queries.load("eval_export/now")).fetchone()
        return datetime.fromisoformat(found[0]) if found else None

    def count(self, window: Window, *, after: Cursor | None) -> int | None:
        """Return how many records there are behind a place; nothing where that takes over a minute."""
        return self._number(self._within(window, after))

    def aside(self, moment: datetime) -> Aside:
        """Return how many records no window has."""
        unplaced = self._composed("({created} is null or {key} is null)")
        future = self._composed("{created} > {moment}", moment=moment)
        return Aside(self._number(unplaced) or 0, self._number(future) or 0)

    def pages(self, window: Window, *, after: Cursor | None, most: int) -> Generator[list[Record]]:
        """Yield the records of a window behind a place, in the order of time and key."""
        query = self._composed(
            "copy (select t.{created}::text, t.{key}::text, row_to_json(t) from {table} t where {within}"
            " order by t.{created}, t.{key} limit {most}) to stdout"
            " with (format csv, delimiter e'\\x02', quote e'\\x01', escape e'\\x01', encoding 'UTF8')",
            within=self._within(window, after),
            most=most,
        )
        with self._reading(), self._connection.cursor() as cursor, cursor.copy(query) as copy:
            page: list[Record] = []
            for row in copy:
                page.append(eval_copy_rows.read(bytes(row)))
                if len(page) >= self._page:
                    yield page
                    page = []
            if page:
                yield page

    def _within(self, window: Window, after: Cursor | None) -> sql.Composable:
        within = self._composed(
            "{created} >= {start} and {created} < {end} and {key} is not null",
            start=window.start,
            end=window.end,
        )
        if after is None:
            return within
        behind = self._composed(
            " and ({created}, {key}) > ({at}, {last})", at=after.created, last=sql.Literal(after.key)
        )
        return sql.Composed((within, behind))

    def _number(self, within: sql.Composable) -> int | None:
        query = self._composed("select count(*) from {table} t where {within}", within=within)
        try:
            with self._reading():
                self._connection.execute("set local statement_timeout = '1min'")
                found = self._connection.execute(query).fetchone()
        except errors.CheckFailed as error:
            if str(error).startswith("57014"):
                return None
            raise
        return int(found[0]) if found else None

    def _composed(self, text: LiteralString, **values: object) -> sql.Composed:
        """Return a query with the names of the table and its columns; a time as it is written there."""
        given = {name: self._literal(value) for name, value in values.items()}
        if "within" in given:
            pairs = [
                sql.SQL(" and {} = {}").format(sql.Identifier(name), sql.Literal(value))
                for name, value in self._where.items()
            ]
            given["within"] = sql.Composed((given["within"], *pairs))
        return sql.SQL(text).format(
            table=sql.Identifier(*self._name),
            key=sql.Identifier(self._key),
            created=sql.Identifier(self._created),
            **given,
        )

    def _literal(self, value: object) -> sql.Composable:
        if isinstance(value, sql.Composable):
            return value
        if isinstance(value, datetime):
            return sql.Literal(eval_times.written(value, self._unit))
        return sql.Literal(value)

    def _found_unit(self) -> eval_times.Unit:
        schema, name = self._name
        columns = [self._key, self._created, *self._where]
        values = {"schema": schema, "name": name, "columns": columns}
        types = dict(self._connection.execute(queries.load("eval_export/columns"), values).fetchall())
        if missing := [column for column in columns if column not in types]:
            raise errors.Refused(
                f"{schema}.{name} has no column {', '.join(missing)}, or is not there, so nothing can be exported. "
                "Name the right ones in [eval] and [eval.fields] of runbooks.toml, or apply the migration of phase 2."
            )
        kind = types[self._created]
        if kind in _TIMES:
            return eval_times.TEXT
        if kind not in _NUMBERS:
            raise errors.Refused(
                f"{schema}.{name}.{self._created} is of type {kind}, which has no order in time, so no window can be "
                "read. Name a column of a time, or of seconds since 1970."
            )
        query = "select max({created}) from {table} t"
        found = self._connection.execute(sql.SQL(query).format(**self._names())).fetchone()
        newest = found[0] if found and found[0] is not None else 0
        return eval_times.unit(int(newest) if kind in _WHOLE else float(newest))

    def _names(self) -> dict[str, sql.Composable]:
        return {"table": sql.Identifier(*self._name), "created": sql.Identifier(self._created)}

    @contextmanager
    def _reading(self) -> Generator[None]:
        """Read in one transaction that sees every row, or is refused.

        Raises:
            Refused: the login may not read the table, or policies hide rows of it.
            Unavailable: the connection is lost.
        """
        if self._connection.closed:
            self._connection = database.connect(self._night.dsn, application=self._night.run)
        try:
            with self._connection.transaction():
                for setting in _SETTINGS:
                    self._connection.execute(setting)
                yield
        except psycopg.Error as error:
            if error.sqlstate == "42501":
                raise self._barred(error) from None
            raise database.translated(error) from None

    def _barred(self, error: psycopg.Error) -> errors.Refused:
        return errors.Refused(
            f"{self._connection.info.user} does not read all of {'.'.join(self._name)} "
            f"({database.translated(error)}), so records would be missing. Grant SELECT, and BYPASSRLS where it has "
            "RLS, or name another login."
        )
