"""What an operator chooses when a promotion starts: names and choices, since Prefect stores them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ops.choices import in_order


class PromotionChoices(BaseModel):
    """What is known of the release, and what is to become of a plan that was begun."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    no_incident: str = Field(
        default="",
        description="Your word, `no active incident`, where nothing else can say it",
    )
    app_version: str = Field(
        default="", description="Schema version that the app will have; default: APP_SCHEMA_VERSION"
    )
    adopt: bool = Field(
        default=False,
        description="Take what other hands have applied since the last promotion as it is; the approval covers it",
    )
    abandon: bool = Field(
        default=False, description="Give up a plan that was begun, and plan anew what is left of it"
    )
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")
