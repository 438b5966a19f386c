"""`[environments.NAME.access]`: who is meant to have which rights, and how old secrets may become."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from ops.backup_settings import Span
from ops.settings import Strict

Privilege = Literal[
    "select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain", "all", "owner"
]


class Role(Strict):
    """`[environments.NAME.access.roles.ROLE]`: what one role may, at most."""

    login: bool = False
    superuser: bool = False
    bypass_rls: bool = False
    create_role: bool = False
    create_database: bool = False
    replication: bool = False
    member_of: tuple[str, ...] = ()
    admin_of: tuple[str, ...] = Field(
        default=(), description="of these it is a member and may make others one"
    )
    tables: dict[str, tuple[Privilege, ...]] = Field(
        default_factory=dict, description="what it is given on tables, by SCHEMA or SCHEMA.TABLE"
    )


class RotatedSecret(Strict):
    """`[environments.NAME.access.secrets.SECRET]`: when it was last changed, and how often it should be."""

    rotated: date
    every: Span


class Access(Strict):
    """Who has access, as somebody has decided; what the platform makes itself needs no mention."""

    roles: dict[str, Role] = Field(
        default_factory=dict,
        description="roles of the project's own, each with what it may at most; of the platform's what it may besides",
    )
    required: tuple[str, ...] = Field(
        default=("anon", "authenticated", "service_role"), description="roles that must be there"
    )
    expose_new_tables: bool = Field(
        default=True,
        description="whether API roles may be given rights on tables that are made in the future",
    )
    secrets: dict[str, RotatedSecret] = Field(
        default_factory=dict, description="by name, never by value: when each was rotated"
    )
    most_rows: int = Field(
        default=1_000_000, ge=0, description="of a table that the contract of row level security is tried on"
    )
    most_rows_whole: int = Field(
        default=1_000,
        ge=0,
        description="of a table on which a write without a filter is tried and rolled back",
    )
