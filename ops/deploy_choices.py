"""What an operator chooses when a deploy gate starts: names and choices, since Prefect stores them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from ops.choices import in_order


class Phase(StrEnum):
    """On which side of the deploy the gate stands."""

    PRE = "pre"
    POST = "post"


class Part(StrEnum):
    """What the gate looks at, each callable alone."""

    AUTH = "auth"
    COMMIT = "commit"
    SCHEMA = "schema"
    TESTS = "tests"
    SMOKE = "smoke"
    INTEGRITY = "integrity"
    CHECKLIST = "checklist"
    GROWTH = "growth"


class GateChoices(BaseModel):
    """What of the gate to run, and what is known of the deploy."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    only: tuple[Part, ...] = Field(
        default=(), description="Run these parts alone; what they find is no verdict about the deploy"
    )
    commit: str = Field(default="", description="Commit that is deployed; default: the one checked out")
    deployed_at: str = Field(default="", description="Time of the deploy, ISO 8601; default: now")
    restarted_at: str = Field(default="", description="Time at which the app was restarted, ISO 8601")
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")
