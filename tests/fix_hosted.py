"""A login as the hosted `postgres` has it: no superuser, but with what hosted Supabase lends it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ops import database, embedded, execution, project, shape, statements, target
from tests import fix_postgres


class Hosted:
    """One connection as `postgres` whose statements run as those of a migration do."""

    def __init__(self, connection: database.Connection, dsn: str) -> None:
        self.connection = connection
        self.target = target.Target(
            dsn=dsn,
            observer_dsn=dsn,
            run="test",
            throw_away=True,
            elevate=shape.elevated,
            adapt=shape.adapted,
        )

    def run(self, text: str) -> None:
        """Run each statement of a file's text."""
        for statement in statements.parse(text).statements:
            execution.execute(self.connection, self.target, statement, "test.sql")

    def ask(self, query: str, *values: Any) -> Any:
        """Return the only value that a query answers."""
        row = self.connection.execute(query.encode(), values or None).fetchone()
        assert row is not None, query
        return row[0]


@contextmanager
def open_hosted(server: embedded.Server, name: str, root: Path) -> Generator[Hosted]:
    """Log in to a shaped database that is configured as for a project without configuration."""
    plain = project.Project(root=root, name="plain", configured=False)
    shape.configure(server.dsn(name, user=server.superuser), plain)
    with database.connect(server.dsn(name)) as connection:
        yield Hosted(connection, server.dsn(name))


@pytest.fixture(scope="session", params=["server", "server15"])
def each_server(request: pytest.FixtureRequest) -> embedded.Server:
    """The embedded server, and a PostgreSQL 15."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def hosted(server: embedded.Server, shaped_name: str, tmp_path: Path) -> Generator[Hosted]:
    """A login to a fresh database of the embedded server."""
    with open_hosted(server, shaped_name, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def hosted_database(
    each_server: embedded.Server, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Hosted]:
    """A login to a database of each server that tests share, each leaving it as it was."""
    with (
        fix_postgres.fresh_database(each_server) as name,
        open_hosted(each_server, name, tmp_path_factory.mktemp("plain")) as opened,
    ):
        yield opened


@pytest.fixture
def rolled_back(hosted_database: Hosted) -> Generator[Hosted]:
    """A transaction on each server that is rolled back after the test."""
    hosted_database.connection.execute("begin")
    try:
        yield hosted_database
    finally:
        hosted_database.connection.execute("rollback")
