"""The tables of `runbooks.toml` that say what the scheduled checks hold against what, and which findings are known."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ops.backup_settings import Span
from ops.settings import Strict

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B")
_POWERS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4}


def _spoken(given: Any) -> Any:
    """Read "500 MB" as Postgres does, by 1,024; bytes are left to pydantic."""
    found = _SIZE.fullmatch(given.strip()) if isinstance(given, str) else None
    return round(float(found[1]) * 1024 ** _POWERS[found[2]]) if found else given


def _positive(size: int) -> int:
    if size <= 0:
        raise ValueError("a size must be more than nothing")
    return size


Size = Annotated[int, BeforeValidator(_spoken), AfterValidator(_positive)]
Share = Annotated[float, Field(gt=0, le=1)]


class Acknowledged(Strict):
    """`[[environments.NAME.acknowledged]]`: a finding that is known, and counts for nothing up to a day."""

    fingerprint: str | None = Field(default=None, pattern=r"[0-9a-f]{8}", description="as the report says it")
    kind: str | None = Field(
        default=None, description="of the finding, with `object`, where there is no fingerprint"
    )
    object: str | None = Field(default=None, description="at which it is")
    severity: Literal["attention", "failed"] = Field(
        default="attention", description="up to which it counts for nothing; worse it counts again"
    )
    until: date = Field(description="the last day on which it counts for nothing")
    by: str = Field(min_length=2, description="who answers for it")
    why: str = Field(min_length=5, description="why it may stay so long")

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        by_name = self.kind is not None and self.object is not None
        if by_name == (self.fingerprint is not None) or (self.kind is None) != (self.object is None):
            raise ValueError("a known finding is named by fingerprint, or by kind and object")
        return self


class Checks(Strict):
    """`[environments.NAME.checks]`: how a scheduled check may look, and from where on something is a finding."""

    statement_timeout: Span = Field(
        default=timedelta(seconds=10), description="for each question to the database"
    )
    lock_timeout: Span = Field(
        default=timedelta(seconds=1), description="how long a question waits for others"
    )
    connect_timeout: Span = Field(default=timedelta(seconds=5), description="for a login, a URL or Redis")
    most_scan: Size = Field(default=64 * 1024**2, description="no table that is larger is read whole")
    connections: Share = Field(default=0.8, description="of what others than superusers may use")
    lag: Span = Field(default=timedelta(minutes=1), description="that a replica may be behind")
    replicas: tuple[str, ...] | None = Field(
        default=None,
        description="application names of those that are to be sent WAL; without it, those that were seen",
    )
    retained_wal: Size = Field(default=1024**3, description="that a slot or an archiver may hold back")
    unarchived: Span = Field(
        default=timedelta(minutes=15), description="that complete WAL may wait to be archived"
    )
    transaction: Span = Field(default=timedelta(minutes=15), description="that a transaction may be open")
    idle: Span = Field(
        default=timedelta(minutes=5), description="that a transaction may be open and do nothing"
    )
    blocked: Span = Field(
        default=timedelta(seconds=30), description="that a query may wait for another's lock"
    )
    cache_hit: Share = Field(default=0.95, description="of the blocks that are read, at least from memory")
    least_reads: int = Field(default=100_000, ge=1, description="blocks below which the cache is not judged")
    temporary: Size = Field(default=1024**3, description="of temporary files between two looks")
    incident_span: Span = Field(
        default=timedelta(seconds=10), description="that statements are measured for in an incident"
    )
    running: Span = Field(
        default=timedelta(seconds=10), description="that a statement may run in an incident"
    )
    at_once: int = Field(
        default=5, ge=2, description="sessions that may run the same statement at one moment of an incident"
    )
    suspects: Span = Field(default=timedelta(days=7), description="in which a migration is a suspect")
    log_file: str | None = Field(
        default=None, description="the server's log in JSON (log_destination = jsonlog); may be a glob"
    )
    logs_url: str | None = Field(
        default=None, description="logs API in the shape of Supabase's; a URL, or a secret reference of one"
    )
    logs_token: str | None = Field(default=None, description="secret reference of its bearer token")
    logs_since: Span = Field(default=timedelta(hours=24), description="how far back the log is read")
    refused_logins: int = Field(default=10, ge=0, description="in that time, of one role")
    auth_errors: int = Field(
        default=100,
        ge=0,
        description="answers of Auth with one status of 400 to 499 at one path in that time",
    )
    refused_rows: int = Field(
        default=0, ge=0, description="writes that RLS or rights refused in that time, at one table"
    )
    status_url: str = Field(
        default="https://status.supabase.com/api/v2/summary.json",
        description="public JSON of the platform's status page; empty: it is not asked",
    )
    health_latency: Span = Field(default=timedelta(seconds=2), description="that the health URL may take")
    storage: Size | None = Field(default=None, description="of the disk that the database may fill")
    buckets: Size | None = Field(default=None, description="of files that all buckets may hold")
    table_limits: dict[str, Size] = Field(
        default_factory=dict, description="of a table with its indexes, by schema.name"
    )
    bucket_limits: dict[str, Size] = Field(default_factory=dict, description="of the files of one bucket")
    full_within: Span = Field(default=timedelta(days=60), description="before which the disk may not be full")
    exhausted: Share = Field(default=0.75, description="of the numbers of a sequence")
    transaction_ids: Share = Field(default=0.4, description="of all transaction ids, and of all multixacts")
    counted_for: Span = Field(
        default=timedelta(days=7), description="a shorter time of counting says of no index that it is unused"
    )
    unused_for: Span = Field(
        default=timedelta(days=28), description="so long an unused index is only said, and counts for nothing"
    )
    unused_index: Size = Field(default=10 * 1024**2, description="from which size on an unused index is said")
    dead_rows: Share = Field(default=0.2, description="of a table's rows")
    least_rows: int = Field(default=10_000, ge=0, description="of a table below which dead rows are not said")
    vacuum_age: Span = Field(
        default=timedelta(days=7), description="since autovacuum, of a table with dead rows"
    )
