"""Servers that listen on a port, with a password that has every special character."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import conninfo, sql

from ops import embedded
from tests import fix_pgbouncer, fix_postgres, fix_tls
from tests.polling import wait_until


@pytest.fixture
def no_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this process's environment leads to a database."""
    for name in ("DATASTORE", "PGSSLMODE", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def listening() -> Generator[embedded.Server]:
    """A server without TLS, which its build does not have."""
    with embedded.running(listen=True) as server:
        set_password(server)
        yield server


@pytest.fixture(scope="session")
def tls_server() -> Generator[embedded.Server]:
    """A server of another build with TLS and a certificate that signed itself."""
    with embedded.running(listen=True, bindir=fix_postgres.DEBIAN_15) as server:
        set_password(server)
        owner = server.data.stat()
        for file in fix_tls.certify(server.data):
            shutil.chown(file, owner.st_uid, owner.st_gid)
            file.chmod(0o600)
        as_superuser(server, "alter system set ssl = on")
        as_superuser(server, "select pg_reload_conf()")
        wait_until(lambda: _has_tls(server))
        yield server


def address(server: embedded.Server, **changes: Any) -> str:
    """Return the conninfo of `postgres` on a server's port."""
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "user": "postgres",
        "password": fix_pgbouncer.PASSWORD,
        "dbname": "postgres",
    }
    return conninfo.make_conninfo("", **{**fields, **changes})


@contextmanager
def pooled(server: embedded.Server, mode: str, **settings: str) -> Generator[str]:
    """Run PgBouncer before a server, without TLS, and yield the conninfo of `postgres`."""
    with fix_pgbouncer.pgbouncer("127.0.0.1", server.port, mode=mode, **settings) as address:  # pyright: ignore[reportArgumentType]
        yield address


@contextmanager
def road(server: embedded.Server, through: str) -> Generator[str]:
    """Yield a conninfo that leads to a server `directly`, or through PgBouncer in the mode of this name."""
    if through == "directly":
        yield address(server)
        return
    with pooled(server, through) as pooler:
        yield pooler


def as_superuser(server: embedded.Server, statement: LiteralString | sql.Composed) -> None:
    """Run one statement as the superuser."""
    with psycopg.connect(server.dsn(user=server.superuser), autocommit=True) as connection:
        connection.execute(statement)


def set_password(server: embedded.Server) -> None:
    """Give `postgres` the password with every special character."""
    password = sql.Literal(fix_pgbouncer.PASSWORD)
    as_superuser(server, sql.SQL("alter role postgres password {}").format(password))


def _has_tls(server: embedded.Server) -> bool:
    with psycopg.connect(server.dsn(user=server.superuser)) as connection:
        return connection.execute("show ssl").fetchone() == ("on",)
