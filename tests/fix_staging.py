"""A live staging: a shaped database to which somebody has pushed migrations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from ops import database, embedded
from tests import projects

_HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
    version text primary key, statements text[], name text
);
"""


@dataclass
class StagingDatabase:
    """`secret` is its secret's reference, `dsn` the login as `postgres`."""

    secret: str
    dsn: str

    def push(self, *migrations: tuple[str, str]) -> None:
        """Apply migrations as `supabase db push` does."""
        with database.connect(self.dsn) as connection:
            connection.execute(_HISTORY.encode())
            for key, text in migrations:
                version, _, name = key.partition("_")
                with connection.transaction():
                    connection.execute(text.encode())
                    self._record(connection, version, name, [text])

    def execute(self, statements: str) -> None:
        with database.connect(self.dsn) as connection:
            connection.execute(statements.encode())

    def _record(
        self, connection: database.Connection, version: str, name: str, statements: Iterable[str]
    ) -> None:
        connection.execute(
            "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)",
            (version, name, list(statements)),
        )


@pytest.fixture
def empty_staging(
    server: embedded.Server, shaped_name: str, monkeypatch: pytest.MonkeyPatch
) -> StagingDatabase:
    """A staging to which nothing was pushed."""
    monkeypatch.setenv("STAGING_URL", server.dsn(shaped_name))
    return StagingDatabase("env:STAGING_URL", server.dsn(shaped_name))


@pytest.fixture
def staging(empty_staging: StagingDatabase) -> StagingDatabase:
    """A staging with the two migrations that the base of the tests' project has."""
    empty_staging.push((projects.NOTES, projects.CREATE_NOTES), (projects.TAGS, projects.CREATE_TAGS))
    return empty_staging
