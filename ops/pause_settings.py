"""The table of `runbooks.toml` that says how the writes of one environment are paused."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from ops.settings import Strict


class WritePause(Strict):
    """`[environments.NAME.pause]`: who writes, what stops them besides the database, and how long to wait for it."""

    roles: tuple[str, ...] = Field(
        default=("anon", "authenticated", "service_role"),
        min_length=1,
        description="roles of the app whose right to write is taken away",
    )
    functions: bool = Field(
        default=True,
        description="also the right to call volatile functions that run with their owner's rights",
    )
    known: tuple[str, ...] = Field(
        default=(), description="globs of schema.name that stay writable and are known: said, and no failure"
    )
    cron: bool = Field(default=True, description="also pause the jobs of pg_cron")
    flag: str | None = Field(
        default=None, description="feature flag of [flags] that shows the maintenance page"
    )
    flag_value: str = Field(default="true", description="JSON that the flag has while writes are paused")
    on: str | None = Field(default=None, description="command that shows the maintenance page; no shell")
    off: str | None = Field(default=None, description="command that takes the page away; no shell")
    command_timeout: timedelta = timedelta(minutes=2)
    quiet: timedelta = Field(
        default=timedelta(seconds=5), description="so long nothing may be written before it counts as paused"
    )
    patience: timedelta = Field(
        default=timedelta(minutes=2), description="how long sessions may take to end, and writes to cease"
    )
