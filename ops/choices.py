"""What an operator chooses when a rehearsal starts: names and choices, since Prefect stores them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def in_order(schema: dict[str, Any]) -> None:
    """Number the fields: Prefect keeps a schema as JSON without an order, and its form goes by `position`."""
    for position, field in enumerate(schema["properties"].values()):
        field["position"] = position


class Choices(BaseModel):
    """What to rehearse and how strictly."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    database: str = Field(
        default="",
        description="Secret reference of a DSN to rehearse on in place, such as env:STAGING_DATABASE_URL",
    )
    bindir: str = Field(
        default="", description="Folder of another Postgres's binaries for the throw-away server"
    )
    everything: bool = Field(
        default=False, description="Rehearse all files from nothing, not only what is pending"
    )
    chain: bool = Field(default=False, description="Also roll the whole chain back and apply it again")
    keep_going: bool = Field(default=False, description="After a failed migration try the others as well")
    require_rollback: bool = Field(default=False, description="A missing rollback script fails the verdict")
    overlay: str = Field(
        default="", description="Environment whose overlay is rehearsed too; in place, by default its own"
    )
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")


class PullRequestChoices(BaseModel):
    """How strictly a pull request is judged, and where the result is written."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    bindir: str = Field(
        default="", description="Folder of another Postgres's binaries for the throw-away server"
    )
    require_rollback: bool = Field(default=False, description="A missing rollback script fails the verdict")
    comment: bool = Field(default=False, description="Write the result as a comment of the pull request")
    status: bool = Field(default=False, description="Set the commit's status on GitHub")
    token: str = Field(default="env:GITHUB_TOKEN", description="Secret reference of the GitHub token")
    repository: str = Field(default="", description="owner/name on GitHub; default: what GitHub Actions says")
    number: int = Field(
        default=0, description="Number of the pull request; default: what GitHub Actions says"
    )
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")
