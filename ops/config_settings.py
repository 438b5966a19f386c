"""The tables of `runbooks.toml` about what the app reads of itself: its schema version, flags and providers."""

from __future__ import annotations

from pydantic import Field

from ops.settings import Strict


class SchemaGuard(Strict):
    """`[schema_guard]`: where the app and the database say which schema version they have."""

    table: str | None = Field(default=None, description="None: no guard; `bot_config` in the runbook")
    key_column: str = "config_key"
    value_column: str = Field(default="config_value", description='JSON such as {"version": "1.0.0"}')
    environment_column: str = Field(default="environment", description="asked where the table has it")
    key: str = Field(default="schema_version", description="of the row that has the version")
    environments: dict[str, str] = Field(
        default_factory=dict, description="what the table calls an environment, where that is not its name"
    )
    variable: str = Field(
        default="APP_SCHEMA_VERSION", description="environment variable with the app's version"
    )
    skip_variable: str = Field(
        default="SKIP_SCHEMA_GUARD", description="environment variable that lets the guard be skipped"
    )


class Flags(Strict):
    """`[flags]`: the feature flags that may be switched in the database."""

    known: tuple[str, ...] = ()


class Providers(Strict):
    """`[providers]`: the providers that the P0 rollback resets."""

    default: str | None = None
