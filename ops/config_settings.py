"""The tables of `runbooks.toml` about what the app reads of itself: its schema version, flags and providers."""

from __future__ import annotations

from pydantic import Field

from ops.settings import Strict


class SchemaGuard(Strict):
    """`[schema_guard]`: where the app and the database say which schema version they have."""

    table: str | None = Field(default=None, description="None: no guard; `bot_config` in the runbook")


class Flags(Strict):
    """`[flags]`: the feature flags that may be switched in the database."""

    known: tuple[str, ...] = ()


class Providers(Strict):
    """`[providers]`: the providers that the P0 rollback resets."""

    default: str | None = None
