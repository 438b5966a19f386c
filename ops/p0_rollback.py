"""The P0 rollback: one provider answers, alone. Source: phase2-rollout-and-eval.md, section 3.

The runbook's single UPDATE can fail on the unique index of one default for each environment, depending on the order of
the rows; here the others are taken out first, in the same transaction.
"""

from __future__ import annotations

from decimal import Decimal

from ops import database, errors, switch, table_rows
from ops.config_settings import Providers
from ops.kept_state import State, Values
from ops.p0_choices import P0Choices
from ops.switch import Mode, SwitchPlan
from ops.table_rows import Table

KIND = "p0-rollback"
_COLUMNS = ("provider", "environment", "enabled", "is_default", "weight")
_STAMP = "updated_at"


class ProviderReset:
    """The providers of some environments, of which one is to answer alone."""

    kind = KIND
    name = "providers"

    def __init__(self, settings: Providers, environments: tuple[str, ...] = ()) -> None:
        self.settings = settings
        self.environments = environments or settings.environments
        self._table = Table(settings.table, (), frozenset(), ())

    def open(self, connection: database.Connection) -> None:
        """Look the table up."""
        self._table = table_rows.look(connection, self.settings.table, shown=_COLUMNS)
        table_rows.require(self._table, _COLUMNS)

    def lock(self, connection: database.Connection) -> None:
        """Let nobody else write providers until the transaction ends; the app reads them all the while."""
        self._table.lock(connection)

    def read(self, connection: database.Connection) -> State:
        """Return every row of the table, those of other environments too."""
        return {
            f"{row['provider']} in {row['environment']} ({self._table.told(row)})": {
                **row,
                "weight": _number(row["weight"]),
            }
            for row in self._table.read(connection)
        }

    def wanted(self, state: State) -> State:
        """Return what differs from the runbook's reset.

        Raises:
            Refused: the default provider has no row in an environment, where the reset would disable everything.
        """
        for environment in self.environments:
            rows = [row for row in state.values() if row["environment"] == environment]
            if sum(row["provider"] == self.settings.default for row in rows) != 1:
                raise errors.Refused(self._without_default(environment, rows))
        return self._differing(state)

    def _without_default(self, environment: str, rows: list[Values]) -> str:
        name, table = self.settings.default, self.settings.table
        there = ", ".join(sorted(str(row["provider"]) for row in rows)) or "no provider at all"
        return (
            f"{name!r} has not one row for {environment!r} in {table} (there is {there}), so the "
            "reset would leave nothing that answers there. Nothing was changed. Add the row, or name the provider and "
            "the environments in [providers] of runbooks.toml."
        )

    def write(self, connection: database.Connection, state: State, wanted: State, mode: Mode) -> None:
        """Write the rows, those that stop being the default first: an index allows one for each environment."""
        for name in sorted(wanted, key=lambda each: wanted[each].get("is_default") == "true"):
            stamp = _STAMP if mode is Mode.SWITCH else None
            self._table.write(connection, state[name], wanted[name], stamp=stamp)

    def switch_off(self, connection: database.Connection, state: State) -> None:
        """Switch the default provider off, for a rehearsal on a clone."""
        off = self._target(chosen=False)
        for row in state.values():
            if row["provider"] == self.settings.default and row["environment"] in self.environments:
                self._table.write(connection, row, off)

    def times(self, name: str) -> frozenset[str]:
        """Return the columns of a time."""
        return self._table.times

    def problems(self, state: State) -> tuple[str, ...]:
        """Name every environment that has not one default, and every row that is not reset."""
        found: list[str] = []
        for environment in self.environments:
            defaults = sum(
                row["environment"] == environment and row["is_default"] == "true" for row in state.values()
            )
            found += [f"{environment} has {defaults} default providers, not one"] if defaults != 1 else []
        return (*found, *(f"{name} is not reset" for name in self._differing(state)))

    def _differing(self, state: State) -> State:
        wanted: dict[str, Values] = {}
        for name, row in state.items():
            if row["environment"] in self.environments:
                target = self._target(chosen=row["provider"] == self.settings.default)
                wanted[name] = {column: value for column, value in target.items() if row[column] != value}
        return {name: values for name, values in wanted.items() if values}

    def _target(self, *, chosen: bool) -> Values:
        said = "true" if chosen else "false"
        weight = self.settings.weight if chosen else self.settings.other_weight
        return {"enabled": said, "is_default": said, "weight": str(weight)}


def _number(text: str | None) -> str | None:
    """Return a number without the zeros at its end, which another type of the column would write."""
    return None if text is None else format(Decimal(text).normalize(), "f")


def plan(path: str, environment: str, choices: P0Choices) -> SwitchPlan:
    """Say what the P0 rollback would do; reads files only.

    Raises:
        Refused: the project, the environment or the choices have a mistake.
    """
    if choices.put_back and choices.rehearse:
        raise errors.Refused(
            "A rehearsal puts back what it has changed anyway. Choose put_back or rehearse, not both."
        )
    found = switch.plan(
        path,
        environment,
        lambda operated: ProviderReset(operated.providers, choices.environments),
        mode=Mode.PUT_BACK if choices.put_back else Mode.SWITCH,
        reason=choices.reason,
        even_if_changed=choices.even_if_changed,
        out=choices.out,
    )
    return found.model_copy(update={"rehearse": choices.rehearse, "bindir": choices.bindir})
