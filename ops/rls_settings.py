"""`[rls]` of `runbooks.toml`: what people of this app have, for the trial of row level security."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from ops.settings import Strict

PEOPLE = ("owner", "other")
# Whom a token is of is said by the trial, which has signed them up.
_RESERVED = ("sub", "role", "aud")
_NO_PEOPLE = ("anon", "service_role", "authenticated")


class RlsTrial(Strict):
    """`[rls]`: the claims and rows of the `owner` and the `other`, where they cannot be made up from the policies.

    Further people, such as an `operator`, are tried as well: what they may do with the owner's row.
    """

    claims: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="what the token of each has beside sub, role and aud"
    )
    rows: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="by person and table: values of the row that is theirs"
    )
    known: tuple[str, ...] = Field(
        default=(), description="tables (globs) of which an untried act or a powerless owner is known"
    )

    @model_validator(mode="after")
    def _own(self) -> RlsTrial:
        if taken := [who for who in (*self.claims, *self.rows) if who in _NO_PEOPLE]:
            raise ValueError(
                f"{', '.join(taken)} is a role and no person: name owner, other or somebody else"
            )
        for who, claims in self.claims.items():
            if taken := [name for name in _RESERVED if name in claims]:
                raise ValueError(f"claims of {who}: {', '.join(taken)} is the trial's own; leave it out")
        return self

    @property
    def people(self) -> tuple[str, ...]:
        """The people that are tried, the owner first."""
        return (*PEOPLE, *sorted({*self.claims, *self.rows} - {*PEOPLE}))

    def holders(self, table: str) -> tuple[str, ...]:
        """Return who has a row of a table: the owner and the other, or, of a table of staff, only whom it is given."""
        given = tuple(who for who in self.people if self.has(who, table))
        return given if set(given) - {*PEOPLE} else PEOPLE

    def has(self, who: str, table: str) -> bool:
        """Whether a row of a table is given to a person, if only an empty one."""
        return bool({table, table.rpartition(".")[2]} & self.rows.get(who, {}).keys())

    def of(self, who: str, table: str) -> dict[str, Any]:
        """Return what is given of a person's row of `schema.table`, which may stand there by its name alone."""
        given = self.rows.get(who, {})
        return given.get(table) or given.get(table.rpartition(".")[2]) or {}

    def apart(self, table: str) -> tuple[str, ...]:
        """Return the columns that by what is given say whose a row is: the owner's has another value."""
        mine, theirs = (self.of(who, table) for who in PEOPLE)
        return tuple(name for name in mine if name in theirs and mine[name] != theirs[name])

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables, by schema and name, of which rows are given."""
        names = {name for given in self.rows.values() for name in given}
        return tuple(sorted(name if "." in name else f"public.{name}" for name in names))
