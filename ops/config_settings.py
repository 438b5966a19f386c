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
    """`[flags]`: the feature flags that may be switched in the database, and where they stand."""

    known: tuple[str, ...] = ()
    table: str = Field(default="public.bot_config", description="schema and name of the app's settings")
    key: str = Field(default="feature_flags", description="config_key of the row that holds the flags")
    posting: str = Field(default="autonomous_posting", description="flag under which the app's jobs run")
    environments: dict[str, str] = Field(
        default_factory=dict, description="what the table calls an environment; default: its own name"
    )


class Providers(Strict):
    """`[providers]`: the providers that the P0 rollback resets, and in which environments."""

    default: str = Field(default="openai", description="provider that stays, alone")
    table: str = Field(default="public.ai_provider_configs", description="schema and name of the table")
    environments: tuple[str, ...] = Field(
        default=("staging", "prod"), min_length=1, description="values of its column `environment`"
    )
    weight: int = Field(default=100, ge=0, description="of the default provider")
    other_weight: int = Field(default=0, ge=0, description="of every other provider")
