"""`[erasure]` of `runbooks.toml`: where a person's rows are, and what becomes of them when that person is to be erased.

Source: supabase-operations.md, "Compliance & Access Control" (GDPR deletion requests).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from ops.settings import Strict

Value = str | int | float | bool


class Action(StrEnum):
    """What becomes of a row that is the subject's."""

    DELETE = "delete"
    ANONYMISE = "anonymise"
    KEEP = "keep"


class ErasedTable(Strict):
    """`[erasure.tables."schema.name"]`: what becomes of the subject's rows in one table.

    A link is a column, or the columns of a foreign key ("tenant_id, person_id"); in `by` also "column = column of the
    subject's row", where no foreign key leads there.
    """

    action: Action
    by: tuple[str, ...] | None = Field(
        default=None,
        description="links by which a row is the subject's; None: every foreign key that leads there",
    )
    detach: tuple[str, ...] = Field(
        default=(), description="links of rows that are not the subject's: emptied, and nothing else of them"
    )
    leave: tuple[str, ...] = Field(
        default=(),
        description="links of rows that are not the subject's and go on pointing at a row that stays",
    )
    set: dict[str, Value] = Field(
        default_factory=dict,
        description="column: its new value; {random} in a text is another one in each row",
    )
    null: tuple[str, ...] = Field(default=(), description="columns that are emptied")
    why: str = Field(default="", description="keep: why these rows may stay as they are")

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if (self.action is Action.ANONYMISE) != bool(self.set or self.null):
            raise ValueError("`set` and `null` say how rows are anonymised, and stand with no other action")
        if (self.action is Action.KEEP) != bool(self.why.strip()):
            raise ValueError("rows that are kept, and only these, need a `why`")
        if twice := {*self.set} & {*self.null}:
            raise ValueError(f"a column is either set or emptied: {', '.join(sorted(twice))}")
        links = [*(self.by or ()), *self.detach, *self.leave]
        if len(links) != len(set(links)):
            raise ValueError("a link stands in one of `by`, `detach` and `leave`, once")
        return self


class Erasure(Strict):
    """`[erasure]`: the table that has a row for each person, and what is done in which tables."""

    table: str | None = Field(default=None, description="schema.name of the subjects; None: nobody is erased")
    lookup: str = Field(
        default="id", description="its column by which a subject is named; it tells them apart"
    )
    key: str | None = Field(
        default=None,
        description="secret reference of the key of the hash that names a subject in every record",
    )
    identifying: tuple[str, ...] = Field(
        default=(), description="columns of the subject's row whose values must be nowhere afterwards"
    )
    known_mentions: tuple[str, ...] = Field(
        default=(), description="schema.table.column where such a value may stay: said, and no failure"
    )
    storage_owner: str | None = Field(
        default=None, description="column of the subject's row that owns objects of Storage"
    )
    tables: dict[str, ErasedTable] = Field(default_factory=dict[str, ErasedTable])
