"""What a role can do to one row of one table: each act is tried in a savepoint that is rolled back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql

from ops import database, smoke_sql
from ops.rls_contract import ACTS, Acts, Outcome
from ops.sample_rows import Row


class Probe:
    """What a role can do to one row of one table."""

    def __init__(
        self, connection: database.Connection, row: Row, moved: dict[str, Any], *, whole: bool, deletes: bool
    ) -> None:
        self._connection = connection
        self._row = row
        self._moved = moved
        self._whole = whole
        self._deletes = deletes
        self._name = smoke_sql.name(row.table)
        self._where = smoke_sql.where(row.identity)
        self._identity = smoke_sql.adapted(row.identity)

    def acts(self, role: str, person: str | None) -> Acts:
        """Try everything as a role, and as this person where it is one."""
        self._claims = json.dumps({"role": role} | ({"sub": person, "aud": role} if person else {}))
        self._role = role
        tried: dict[str, Callable[[], Outcome]] = {
            "read": self._read,
            "insert": self._insert,
            "update": lambda: self._write(*self._changed()),
            "delete": lambda: self._delete() if self._deletes else "untried",
            "move": self._move,
        }
        return Acts.model_validate({act: tried[act]() for act in ACTS})

    def _read(self) -> Outcome:
        query = sql.SQL("select 1 from {} where {}").format(self._name, self._where)
        return self._try(query, self._identity)

    def _insert(self) -> Outcome:
        columns = sql.SQL(", ").join(map(sql.Identifier, self._row.values))
        places = sql.SQL(", ").join(sql.Placeholder() for _ in self._row.values)
        text = sql.SQL("insert into {} ({}) overriding system value values ({})")
        # The row is there already: who may insert it meets the primary key, and who may not is refused before that.
        return self._try(text.format(self._name, columns, places), smoke_sql.adapted(self._row.values))

    def _move(self) -> Outcome:
        # A new key is looked for where the old one was pointed to, as a delete is.
        if not self._moved or (not self._deletes and self._moved.keys() & set(self._row.key)):
            return "untried"
        return self._write(*self._set(self._moved))

    def _delete(self) -> Outcome:
        return self._write(sql.SQL("delete from {}").format(self._name), [])

    def _changed(self) -> tuple[sql.Composed, list[Any]]:
        name = self._row.change or next(iter(self._row.values))
        query = sql.SQL("select {}::text from {} where {}").format(
            sql.Identifier(name), self._name, self._where
        )
        (value,) = self._connection.execute(query, self._identity).fetchone() or (None,)
        return self._set({name: value})

    def _set(self, values: dict[str, Any]) -> tuple[sql.Composed, list[Any]]:
        pairs = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values)
        return sql.SQL("update {} set {}").format(self._name, pairs), smoke_sql.adapted(values)

    def _write(self, text: sql.Composed, values: list[Any]) -> Outcome:
        """Try a write of the row; and of all rows, for which no policy of reading counts, where these are few."""
        filtered = sql.SQL("{} where {}").format(text, self._where)
        outcome = self._try(filtered, values + self._identity)
        if outcome == "yes" or not self._whole:
            return outcome
        return "yes" if self._try(text, values, whole=True) == "yes" else outcome

    def _try(self, text: sql.Composed, values: list[Any], *, whole: bool = False) -> Outcome:
        version = sql.SQL("select ctid::text, xmin::text from {} where {}").format(self._name, self._where)
        connection = self._connection
        try:
            with connection.transaction(force_rollback=True):
                before = connection.execute(version, self._identity).fetchone() if whole else None
                connection.execute(
                    "select pg_catalog.set_config('request.jwt.claims', %(claims)s, true), "
                    "pg_catalog.set_config('request.jwt.claim.sub', %(claims)s::jsonb ->> 'sub', true), "
                    "pg_catalog.set_config('request.jwt.claim.role', %(role)s, true), "
                    "pg_catalog.set_config('role', %(role)s, true)",
                    {"claims": self._claims, "role": self._role},
                )
                count = connection.execute(text, values).rowcount
                if not whole:
                    return "yes" if count else "no"
                connection.execute("set local role none")
                return "yes" if connection.execute(version, self._identity).fetchone() != before else "no"
        except psycopg.errors.InsufficientPrivilege:
            return "refused"
        except psycopg.errors.IntegrityError:
            # Policies are asked before constraints, so that the row was let through; of all rows it may be another.
            return "no" if whole else "yes"
        except psycopg.Error as error:
            if database.is_transient(error.sqlstate):
                raise
            # A trigger of the project's own that says no, says no.
            return "refused" if (error.sqlstate or "").startswith("P0") else "untried"
