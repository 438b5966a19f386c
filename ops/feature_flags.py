"""The app's feature flags, in one row of its settings. Source: database-pipeline.md, "Feature Flag Rollback"."""

from __future__ import annotations

import difflib

from psycopg import sql

from ops import database, errors, table_rows
from ops.config_settings import Flags
from ops.kept_state import State, Values
from ops.switch import Mode
from ops.table_rows import Table

_KEY = ("config_key", "environment")
_OFF = "false"
_WHERE = sql.SQL("where t.config_key = %(key)s and t.environment = %(environment)s")
_EACH = sql.SQL(
    "select e.key, e.value::text from {} t left join lateral jsonb_each("
    "case jsonb_typeof(t.config_value) when 'object' then t.config_value end) e on true "
    "{} and jsonb_typeof(t.config_value) = 'object'"
)
_SET = sql.SQL(
    "update {} t set config_value = jsonb_set(t.config_value, array[%(flag)s], %(value)s::jsonb) {}"
)
_REMOVE = sql.SQL("update {} t set config_value = t.config_value - %(flag)s::text {}")


class FeatureFlag:
    """One flag of one environment, which is to be off."""

    kind = "feature-flag-rollback"

    def __init__(self, settings: Flags, environment: str, flag: str) -> None:
        self.settings = settings
        self.flag = flag
        self.name = f"flag {flag}"
        self._environment = settings.environments.get(environment, environment)
        self._table = Table(settings.table, _KEY, frozenset(), ())

    def open(self, connection: database.Connection) -> None:
        """Look the table up."""
        self._table = table_rows.look(connection, self.settings.table, key=_KEY)
        table_rows.require(self._table, ("config_value",))

    def lock(self, connection: database.Connection) -> None:
        """Let nobody else write settings until the transaction ends; the app reads them all the while."""
        self._table.lock(connection)

    def read(self, connection: database.Connection) -> State:
        """Return every flag of the environment, and everything else in the table.

        Raises:
            Refused: there is no row with the flags of this environment.
        """
        state: dict[str, Values] = {self.name: {"value": None}}
        flags = connection.execute(_EACH.format(self._table.identifier, _WHERE), self._ours).fetchall()
        if not flags:
            raise errors.Refused(
                f"{self.settings.table} has no JSON object under config_key {self.settings.key!r} for the environment "
                f"{self._environment!r}, so there is no flag to switch. Name them in [flags] of runbooks.toml."
            )
        state |= {f"flag {name}": {"value": value} for name, value in flags if name is not None}
        for row in self._table.read(connection):
            state[f"settings {self._table.told(row)}"] = self._beside(row)
        return state

    def wanted(self, state: State) -> State:
        """Return the flag as off, if it is not."""
        return {} if state[self.name]["value"] == _OFF else {self.name: {"value": _OFF}}

    def write(self, connection: database.Connection, state: State, wanted: State, mode: Mode) -> None:
        """Set the flag, or take it out where it was not there."""
        for values in wanted.values():
            text = _REMOVE if values["value"] is None else _SET
            given = {**self._ours, "flag": self.flag, "value": values["value"]}
            connection.execute(text.format(self._table.identifier, _WHERE), given)

    def times(self, name: str) -> frozenset[str]:
        """Return nothing: a flag has no time."""
        return frozenset()

    def problems(self, state: State) -> tuple[str, ...]:
        """Say whether the flag is not off."""
        return (f"{self.name} is not off",) if self.wanted(state) else ()

    @property
    def _ours(self) -> dict[str, str]:
        return {"key": self.settings.key, "environment": self._environment}

    def _beside(self, row: Values) -> Values:
        """Leave the flags out of their row, and the times that a trigger sets when one of them changes."""
        if [row[column] for column in _KEY] != [*self._ours.values()]:
            return row
        times = self._table.times
        return {name: said for name, said in row.items() if name != "config_value" and name not in times}


def known(settings: Flags, flag: str) -> str:
    """Return the flag, if it is one that may be switched.

    Raises:
        Refused: it is not; the message has the nearest name.
    """
    if flag in settings.known:
        return flag
    near = difflib.get_close_matches(flag, settings.known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    there = ", ".join(settings.known) or "none"
    raise errors.Refused(
        f"{flag!r} is none of the known flags ({there}), so it is not switched.{hint} Those that may be switched are "
        "listed as known in [flags] of runbooks.toml."
    )
