"""What an integrity check says: what is wrong with which object, how often, why it matters and what to do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["duplicates", "orphans", "nulls", "sequence", "future", "index", "constraint"]
Example = dict[str, Any]


class Finding(BaseModel):
    """One thing that is wrong; `examples` name rows by their primary keys (without one, by place), nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Kind
    object: str
    count: int
    examples: tuple[Example, ...] = ()
    why: str
    remedy: str


class Duplicates(BaseModel):
    """The rows of one table that are there again: `surplus` are those beyond the first of each group."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    table: str
    columns: tuple[str, ...]
    nulls_equal: bool
    groups: int
    surplus: int
    allowed: int
    examples: tuple[Example, ...] = ()
