"""The tables of `runbooks.toml` that say how a runbook is meant for this project; each has a conventional default."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


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


class Expectation(StrEnum):
    """What the number of a table's rows does between the two looks at a deploy."""

    UP = "up"
    NOT_DOWN = "not-down"
    SAME = "same"
    ANY = "any"


class Key(Strict):
    """`[integrity.keys.TABLE]`, or only the list of columns: by what two rows of a table are the same one."""

    columns: tuple[str, ...] = Field(min_length=1)
    nulls_equal: bool = Field(default=False, description="rows may also be the same by what they do not have")
    max_duplicates: int | None = Field(
        default=None, ge=0, strict=True, description="None: as for every table"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_columns(cls, given: Any) -> Any:
        return {"columns": cast("list[Any]", given)} if isinstance(given, list) else given


class Relation(Strict):
    """`[[integrity.relations]]`: a foreign key that holds by habit, with no constraint that says so."""

    table: str
    columns: tuple[str, ...] = Field(min_length=1)
    to: str
    to_columns: tuple[str, ...] = Field(default=(), description="empty: the primary key")


class Integrity(Strict):
    """`[integrity]`: what the rows of this project must be like; tables are `name` or `schema.name`."""

    max_duplicates: int = Field(
        default=0, ge=0, strict=True, description="rows too many that each table may have"
    )
    keys: dict[str, Key] = Field(
        default_factory=dict, description="by table; chat_history is looked at without being named"
    )
    required: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="by table: columns that the app never leaves empty"
    )
    relations: tuple[Relation, ...] = ()
    future_allowed: tuple[str, ...] = Field(
        default=(),
        description="columns (globs, also table.column) whose times may lie ahead, beside the usual ones",
    )
    future_tolerance: timedelta = Field(
        default=timedelta(minutes=1),
        ge=timedelta(0),
        description="how far the clocks of writers may be ahead",
    )
    leave_out: tuple[str, ...] = Field(default=(), description="tables (globs) that are not looked at")
    growth: dict[str, Expectation] = Field(
        default_factory=dict,
        description="by table, beside logs and chat_history (up) and connections (not-down)",
    )


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
