"""The tables of `runbooks.toml` that say what a release of this project must hold, and what its promotion waits for."""

from __future__ import annotations

import zoneinfo
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from ops import weekly
from ops.settings import Glob, Strict

Some = Annotated[timedelta, Field(gt=timedelta(0))]


def _named(value: str) -> str:
    if not value.strip():
        raise ValueError("it is empty; say something, or leave the key out")
    return value


Named = Annotated[str, AfterValidator(_named)]


class ReleaseGate(Strict):
    """`[[release.gates]]`: a query, and what it must return where the release is in place."""

    name: Named
    query: Named | None = Field(default=None, description="one statement that only reads")
    file: Glob | None = Field(default=None, description="or the file that holds it")
    environments: tuple[str, ...] = Field(default=(), description="where it is asked; empty: everywhere")
    equals: Any = Field(default=None, description="a value, or a table of columns, or a list of rows")
    contains: tuple[str, ...] = Field(default=(), description="values that the first column must have")
    not_null: bool = Field(default=False, description="there is a row, and no column of it is null")
    empty: bool = Field(default=False, description="there is no row")

    @model_validator(mode="after")
    def _whole(self) -> ReleaseGate:
        if self.query and self.file:
            raise ValueError(f"the gate {self.name!r} names both query and file; leave one of them out")
        if not self.query and not self.file:
            raise ValueError(f"the gate {self.name!r} names neither query nor file, so it asks nothing")
        if self.equals in ([], {}):
            raise ValueError(
                f"the gate {self.name!r} says equals = {self.equals}, which expects nothing; say empty = true for "
                "no rows, or name a column"
            )
        expected = (self.equals is not None, bool(self.contains), self.not_null)
        if not self.empty and not any(expected):
            raise ValueError(
                f"the gate {self.name!r} expects nothing; say equals, contains, not_null or empty"
            )
        if self.empty and any(expected):
            raise ValueError(f"the gate {self.name!r} says empty and expects rows as well; leave one out")
        return self


class Release(Strict):
    """`[release]`: what a release is judged by, and where its note goes."""

    gates: tuple[ReleaseGate, ...] = ()
    branch: Named = Field(
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

    @field_validator("gates")
    @classmethod
    def _distinct(cls, gates: tuple[ReleaseGate, ...]) -> tuple[ReleaseGate, ...]:
        names = [gate.name for gate in gates]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two gates are called {twice[0]!r}; give each a name of its own")
        return gates


class Promotion(Strict):
    """`[environments.NAME.promotion]`: what must hold before anything is promoted to this environment."""

    rehearsal_max_age: Some = timedelta(days=7)
    require_merged: bool = True
    require_gate: bool = Field(default=True, description="the pull request's gate is green for this commit")
    soak: Named | None = Field(default=None, description="environment on which the change must have soaked")
    soak_exceptions: tuple[Named, ...] = Field(
        default=(), description="rules that the soak need not have watched, such as `records complete`"
    )
    require_p0: bool = Field(default=False, description="the P0 rollback was rehearsed for this change")
    incident_query: Named | None = Field(default=None, description="returns a row for each active incident")
    incident_url: Named | None = Field(default=None, description="answers 2xx while there is no incident")
    window: tuple[str, ...] = Field(default=(), description="such as `mon-thu 08:00-16:00`; empty: always")
    timezone: str = "UTC"
    backup_query: Named | None = Field(default=None, description="returns the time of the last good backup")
    backup_command: Named | None = Field(
        default=None, description="prints the time of the last good backup; no shell"
    )
    backup_max_age: Some = timedelta(hours=26)

    @field_validator("window")
    @classmethod
    def _readable(cls, window: tuple[str, ...]) -> tuple[str, ...]:
        for entry in window:
            weekly.read(entry)
        return window

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone; say one such as Europe/Berlin, or UTC") from None
        return name
