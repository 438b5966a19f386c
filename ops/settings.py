"""The tables of `runbooks.toml` that say how a runbook is meant for this project; each has a conventional default."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A table of which every key is known, so that a misspelt one is found and not passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _inside(glob: str) -> str:
    path = PurePosixPath(glob)
    if not glob or path.is_absolute() or ".." in path.parts:
        raise ValueError("a glob counts from the project's root and stays below it")
    return glob


Glob = Annotated[str, AfterValidator(_inside)]


class Deploy(Strict):
    """`[deploy]`: what the deploy gate looks at."""


class Integrity(Strict):
    """`[integrity]`: what the rows of this project must be like."""


class PullRequest(Strict):
    """`[pull_request]`: what the gate of a pull request does beside rehearsing."""

    verify: tuple[Glob, ...] | None = Field(
        default=None, description="globs of the verification scripts; None: supabase/verify/**/*.sql"
    )
    smoke: tuple[Glob, ...] | None = Field(
        default=None, description="globs of the smoke SQL; None: scripts/smoke.sql"
    )
    ignore: tuple[str, ...] = Field(
        default=(), description='globs of "kind name" of what may differ on staging, such as "index public.*"'
    )
    drift: Literal["fail", "report"] = Field(
        default="fail", description="what becomes of a pull request when staging has drifted"
    )
