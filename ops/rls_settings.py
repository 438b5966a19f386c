"""`[rls]` of `runbooks.toml`: what two ordinary people of this app have, for the trial of row level security."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from ops.settings import Strict

Who = Literal["owner", "other"]
# Whom a token is of is said by the trial, which has signed them up.
_RESERVED = ("sub", "role", "aud")


class RlsTrial(Strict):
    """`[rls]`: the claims and rows of the `owner` and the `other`, where they cannot be made up from the policies."""

    claims: dict[Who, dict[str, Any]] = Field(
        default_factory=dict, description="what the token of each has beside sub, role and aud"
    )
    rows: dict[Who, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="by person and table: values of the row that is theirs"
    )
    known: tuple[str, ...] = Field(
        default=(), description="tables (globs) of which an untried act or a powerless owner is known"
    )

    @model_validator(mode="after")
    def _own(self) -> RlsTrial:
        for who, claims in self.claims.items():
            if taken := [name for name in _RESERVED if name in claims]:
                raise ValueError(f"claims of {who}: {', '.join(taken)} is the trial's own; leave it out")
        return self

    def of(self, who: Who, table: str) -> dict[str, Any]:
        """Return what is given of a person's row of `schema.table`, which may stand there by its name alone."""
        given = self.rows.get(who, {})
        return given.get(table) or given.get(table.rpartition(".")[2]) or {}

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables, by schema and name, of which rows are given."""
        names = {name for given in self.rows.values() for name in given}
        return tuple(sorted(name if "." in name else f"public.{name}" for name in names))
