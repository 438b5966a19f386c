"""What an operator knows of an app's rollback: names and choices, since Prefect stores them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ops.choices import in_order


class AppRollbackChoices(BaseModel):
    """Where the app goes back to, and when that was."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    to: str = Field(default="", description="The previous deployment; default: the app's local data store")
    app_version: str = Field(
        default="", description="Schema version of that deployment, for its APP_SCHEMA_VERSION"
    )
    at: str = Field(default="", description="Time of the rollback, ISO 8601; default: now")
