"""The tables of `runbooks.toml` that say where an environment's backups are, and what a restore must be able to do."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ops.settings import Glob, Strict

_SPOKEN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|seconds?|min|minutes?|h|hours?|d|days?|weeks?)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _spoken(given: Any) -> Any:
    """Read "5 min", "30 s" or "7 days"; ISO 8601 and seconds are left to pydantic."""
    found = _SPOKEN.fullmatch(given.strip()) if isinstance(given, str) else None
    return timedelta(**{_UNITS[found[2][0]]: float(found[1])}) if found else given


def _positive(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        raise ValueError("a time must be longer than nothing")
    return span


Span = Annotated[timedelta, BeforeValidator(_spoken), AfterValidator(_positive)]


class Physical(Strict):
    """`backups.physical`: base backups of `pg_basebackup`, a folder each, and the archive of WAL beside them."""

    base: Path = Field(description="folder of the base backups")
    wal: Path = Field(description="folder of the archived WAL, as archive_command writes it")
    bindir: Path | None = Field(
        default=None, description="programs of the same major version; None: the embedded Postgres"
    )
    keep: int = Field(default=7, ge=1, description="so many full base backups are kept at least")
    incremental: bool = Field(
        default=False,
        description="PostgreSQL 17 and newer: nightly backups between full ones are incremental",
    )
    full_every: Span = Field(
        default=timedelta(days=7), description="with `incremental`: how often one is full all the same"
    )


class PgBackRest(Strict):
    """`backups.pgbackrest`: a repository of pgBackRest."""

    stanza: str = Field(min_length=1)
    config: Path = Path("/etc/pgbackrest.conf")
    repo: int = Field(default=1, ge=1)
    bindir: Path | None = Field(default=None, description="programs of the same major version of Postgres")


class Logical(Strict):
    """`backups.logical`: dumps of `pg_dump -Fd` with their roles, a folder each."""

    folder: Path
    jobs: int = Field(default=2, ge=1, le=64)
    bindir: Path | None = Field(default=None, description="programs that dump and restore")


class ManagementApi(Strict):
    """`backups.api`: the Supabase Management API of a hosted project."""

    ref: str = Field(pattern=r"[a-z]{20}", description="reference of the project")
    token: str = Field(description="secret reference of an access token")
    url: str = "https://api.supabase.com"


class Drill(Strict):
    """`backups.drill`: what a restored database must have."""

    tables: tuple[str, ...] = Field(
        default=(), description="critical tables; none: every table of the app in the reference"
    )
    smoke: tuple[Glob, ...] = Field(
        default=("supabase/smoke/*.sql",), description="queries of which none may fail or return no row"
    )
    heartbeat: Span = Field(
        default=timedelta(minutes=1), description="how often a row is written by which the loss is measured"
    )
    timeout: Span = Field(default=timedelta(hours=4), description="a restore that takes longer has failed")
    amcheck: bool = Field(default=True, description="look through tables and indexes with pg_amcheck")
    heapallindexed: bool = Field(
        default=False, description="pg_amcheck also looks for each row in each index"
    )
    scratch: Path | None = Field(default=None, description="where there is room for the restored cluster")
    fsync: bool = Field(default=True, description="without it what was measured is no RTO, and said apart")


class Storage(Strict):
    """`backups.storage`: where the files of Storage are, which no backup of a database holds."""

    url: str = Field(description="secret reference of the project's URL")
    key: str = Field(description="secret reference of the service role's key")
    sample: int = Field(default=20, ge=0, le=1000, description="so many files are read whole by a drill")


class Backups(Strict):
    """`[environments.NAME.backups]`: one source of backups, and the objectives."""

    rpo: Span = Field(default=timedelta(minutes=5), description="the most that may be lost, in time")
    rto: Span = Field(default=timedelta(minutes=30), description="the longest that a restore may take")
    window: Span = Field(
        default=timedelta(days=7), description="how far back a point in time can be restored"
    )
    read: Literal["window", "newest"] = Field(
        default="window",
        description="what is read whole every night: all that the window needs, or the newest backup and its WAL",
    )
    most_age: Span = Field(default=timedelta(hours=26), description="of the last backup")
    most_drill_age: Span = Field(default=timedelta(days=100), description="of the last drill that passed")
    physical: Physical | None = None
    pgbackrest: PgBackRest | None = None
    logical: Logical | None = None
    api: ManagementApi | None = None
    storage: Storage | None = None
    drill: Drill = Drill()

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        named = [n for n in ("physical", "pgbackrest", "logical", "api") if getattr(self, n) is not None]
        if len(named) != 1:
            raise ValueError(
                f"backups come from one source (physical, pgbackrest, logical or api), and {len(named)} are named"
            )
        return self
