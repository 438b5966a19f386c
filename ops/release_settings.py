"""The tables of `runbooks.toml` that say what a release of this project must hold, and what its promotion waits for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field

from ops.settings import Glob, Strict


class ReleaseGate(Strict):
    """`[[release.gates]]`: a query, and what it must return where the release is in place."""

    name: str
    query: str | None = Field(default=None, description="one statement that only reads")
    file: Glob | None = Field(default=None, description="or the file that holds it")
    environments: tuple[str, ...] = Field(default=(), description="where it is asked; empty: everywhere")
    equals: Any = Field(default=None, description="a value, or a table of columns, or a list of rows")
    contains: tuple[str, ...] = Field(default=(), description="values that the first column must have")
    not_null: bool = Field(default=False, description="there is a row, and no column of it is null")
    empty: bool = Field(default=False, description="there is no row")


class Release(Strict):
    """`[release]`: what a release is judged by, and where its note goes."""

    gates: tuple[ReleaseGate, ...] = ()
    branch: str = Field(
        default="origin/main", description="into which a change is merged before it is promoted"
    )
    notes: Glob | None = Field(
        default=None, description="folder of the repository in which release notes are kept"
    )
    notes_branch: str | None = Field(
        default=None, description="branch on which a release note is committed; None: on none"
    )
    stakeholders: str | None = Field(
        default=None, description="secret reference of the stakeholders' webhook"
    )
    checklist: tuple[str, ...] = (
        "Check the application's health.",
        "See that the app has started with its schema guard.",
        "Look at the logs: they show a successful start.",
        "Test the key features of the application.",
    )


class Promotion(Strict):
    """`[environments.NAME.promotion]`: what must hold before anything is promoted to this environment."""

    rehearsal_max_age: timedelta = Field(default=timedelta(days=7), gt=timedelta(0))
    require_merged: bool = True
    require_gate: bool = Field(default=True, description="the pull request's gate is green for this commit")
    soak: str | None = Field(default=None, description="environment on which the change must have soaked")
    require_p0: bool = Field(default=False, description="the P0 rollback was rehearsed for this change")
    incident_query: str | None = Field(default=None, description="returns a row for each active incident")
    incident_url: str | None = Field(default=None, description="answers 2xx while there is no incident")
    window: tuple[str, ...] = Field(default=(), description="such as `mon-thu 08:00-16:00`; empty: always")
    timezone: str = "UTC"
    backup_query: str | None = Field(default=None, description="returns the time of the last good backup")
    backup_command: str | None = Field(
        default=None, description="prints the time of the last good backup; no shell"
    )
    backup_max_age: timedelta = timedelta(hours=26)
