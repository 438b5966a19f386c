"""Real servers for tests: one per worker for the whole session, and a fresh database per test."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops import embedded

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
_NUMBERS = itertools.count(1)


@contextmanager
def fresh_database(server: embedded.Server, *, template: str = embedded.SHAPED) -> Generator[str]:
    """Make a database that is dropped when the block ends, and yield its name."""
    name = f"test_{next(_NUMBERS)}"
    embedded.create_database(server, name, template=template)
    try:
        yield name
    finally:
        embedded.drop_database(server, name)


@pytest.fixture(scope="session")
def server() -> Generator[embedded.Server]:
    """The embedded server of this worker, shaped like Supabase's."""
    with embedded.running() as running:
        yield running


@pytest.fixture(scope="session")
def server15() -> Generator[embedded.Server]:
    """Debian's PostgreSQL 15 in the same shape; it has pgTAP."""
    assert DEBIAN_15.is_dir(), "PostgreSQL 15 is not installed; .ci/run installs it, with pgTAP."
    with embedded.running(bindir=DEBIAN_15) as running:
        yield running


@pytest.fixture
def shaped_name(server: embedded.Server) -> Generator[str]:
    """The name of a fresh shaped database."""
    with fresh_database(server) as name:
        yield name


@pytest.fixture
def shaped(server: embedded.Server, shaped_name: str) -> str:
    """The DSN of a fresh shaped database as `postgres`, who is not a superuser."""
    return server.dsn(shaped_name)


@pytest.fixture
def shaped_admin(server: embedded.Server, shaped_name: str) -> str:
    """The DSN of the same database as a superuser."""
    return server.dsn(shaped_name, user=server.superuser)


@pytest.fixture
def bare(server: embedded.Server) -> Generator[str]:
    """The DSN of a fresh database with nothing in it, as a superuser."""
    with fresh_database(server, template=embedded.EMPTY) as name:
        yield server.dsn(name, user=server.superuser)
