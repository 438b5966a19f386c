"""The tables of `runbooks.toml` that say how a runbook is meant for this project; each has a conventional default."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A table of which every key is known, so that a misspelt one is found and not passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Deploy(Strict):
    """`[deploy]`: what the deploy gate looks at."""


class Integrity(Strict):
    """`[integrity]`: what the rows of this project must be like."""


class PullRequest(Strict):
    """`[pull_request]`: what the gate of a pull request does beside rehearsing."""
