"""What an operation leaves behind: one sentence, a verdict and rows for a table."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Evidence(BaseModel):
    """The result of one operation.

    `summary` is one sentence that a tired person can paste into the incident channel; `rows` are the lines
    of a table, each with the same keys. `idle` says that nothing was done, since there was nothing to do or
    something before it failed. Operations that hand facts to later steps return a frozen subclass.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    ok: bool
    summary: str
    rows: tuple[dict[str, Any], ...] = ()
    idle: bool = False
