"""What an operator chooses when a P0 rollback starts: names and choices, since Prefect stores them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ops.choices import in_order


class P0Choices(BaseModel):
    """What the P0 rollback does, and why."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    put_back: bool = Field(default=False, description="Put back what the last P0 rollback has changed")
    rehearse: bool = Field(
        default=False, description="Rehearse it and its way back on a throw-away clone; touches nothing else"
    )
    reason: str = Field(default="", description="Why, for the record")
    even_if_changed: bool = Field(default=False, description="Put back even what somebody has changed since")
    environments: tuple[str, ...] = Field(
        default=(), description="Values of the table's column environment; default: those of runbooks.toml"
    )
    bindir: str = Field(
        default="", description="Folder of another Postgres's binaries for the throw-away server"
    )
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")
