"""The tables of `runbooks.toml` that say how a runbook is meant for this project; each has a conventional default."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A table of which every key is known, so that a misspelt one is found and not passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Deploy(Strict):
    """`[deploy]`: what the deploy gate looks at."""

    tables: tuple[str, ...] | None = Field(
        default=None, description="tables that the app writes; None: those of the runbook that there are"
    )
    datastore: str = Field(
        default="DATASTORE", description="setting that must be exactly `postgres`; empty: the app has none"
    )
    secrets: tuple[str, ...] = Field(default=("DATABASE_URL",), description="settings that must be there")
    declaration: Path = Field(default=Path("supabase/schema.toml"), description="what the app needs")
    tests: str | None = Field(default=None, description="command of the app's own tests; no shell")
    tests_timeout: timedelta = timedelta(minutes=15)
    samples: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="table: values of the row that the smoke writes"
    )
    ai_key: str | None = Field(default=None, description="name of the key of the AI path")
    ai_check: str | None = Field(
        default=None, description="command that ends well when a log is stored though the AI call fails"
    )
    checklist: tuple[str, ...] = (
        "Create one stream log.",
        "Send one follow-up message (AI response path).",
        "Create or move one kanban card.",
    )


class Integrity(Strict):
    """`[integrity]`: what the rows of this project must be like."""


class PullRequest(Strict):
    """`[pull_request]`: what the gate of a pull request does beside rehearsing."""
