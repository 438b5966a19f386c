"""A real Postgres of our own: shaped like Supabase's, started in a blink, gone with us."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from psycopg import sql

from ops import binaries, database, errors, homes, os_user, postmaster, queries, ready_data, shape
from ops.shape import cluster, offered

MAINTENANCE = cluster.MAINTENANCE
SHAPED = "template1"
EMPTY = "template0"
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Server:
    """A running throw-away server; `host` is the folder of its socket, `superuser` a login beside `postgres`.

    It listens on `port` of the loopback interface too when it was asked to; every login there needs `password`.
    """

    bindir: Path
    host: str
    port: int
    data: Path
    major: int
    version: str
    superuser: str = ready_data.SUPERUSER
    password: str | None = field(default=None, repr=False)

    def dsn(self, database: str = "postgres", *, user: str = "postgres") -> str:
        """Return the URL of a database; a login as `postgres` is, as on hosted Supabase, not a superuser's."""
        return f"postgresql://{_quote(user)}@/{_quote(database)}?host={_quote(self.host)}&port={self.port}"

    def tcp_dsn(self, database: str = "postgres", *, user: str = "postgres") -> str:
        """Return the URL of a database through TCP, the password in it.

        Raises:
            Refused: the server was not asked to listen.
        """
        if self.password is None:
            raise errors.Refused(
                "This throw-away Postgres has no TCP port, so there is no such address; start it with listen=True."
            )
        login = f"{_quote(user)}:{_quote(self.password)}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{_quote(database)}"


@contextmanager
def running(
    *,
    bindir: Path | None = None,
    settings: Mapping[str, str] = _NO_SETTINGS,
    listen: bool = False,
    among: tuple[Path, ...] | None = None,
    segment: int | None = None,
) -> Generator[Server]:
    """Start a shaped server and yield it; it is stopped and its folder removed afterwards, or when we are killed.

    `bindir` is the folder of any Postgres's programs from 15 on; by default the embedded 18. With `listen` it
    also has a TCP port of the loopback interface, with passwords. `among` are the folders in one of which it lives.
    Its segments of WAL have 1 MiB, or so many as `segment` says: production has 16.

    Raises:
        Refused: there are no such programs, or nobody as whom they could run.
        Unavailable: the server did not start.
    """
    programs = binaries.find(bindir)
    user = os_user.find()
    with ExitStack() as stack:
        with ready_data.locked() as cache:
            home = stack.enter_context(homes.temporary(user, among=among))
            ready = ready_data.ready(cache, programs, user=user)
        ready_data.copy(ready, home)
        usable = offered.serving(binaries.reachable(programs, user, home=home), home)
        user.own(home)
        if segment is not None:
            ready_data.resize_segments(usable, home / "data", segment, user=user)
        asked = {"port": str(_free_port()), "listen_addresses": "127.0.0.1"} if listen else {}
        chosen = {**ready_data.settings(usable, home), **asked, **settings}
        stack.enter_context(
            postmaster.running(
                usable.bindir / "postgres", home / "data", user=user, settings=chosen, remove=home
            )
        )
        server = Server(
            bindir=programs.bindir,
            host=str(home),
            port=int(chosen["port"]),
            data=home / "data",
            major=programs.major,
            version=programs.version,
            password=secrets.token_urlsafe(18) if listen else None,
        )
        if server.password:
            cluster.set_passwords(server.dsn(user=server.superuser), server.password)
        yield server


@dataclass(frozen=True)
class Databases:
    """The databases of one rehearsal on a server of our own."""

    server: Server
    rehearsal: str = "postgres"
    checkpoint: str = "checkpoint"

    @property
    def bindir(self) -> Path:
        return self.server.bindir

    def copy(self, source: str, name: str) -> str:
        """Make `name` a copy of `source`, whatever it was before."""
        return clone_database(self.server, source, name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        drop_database(self.server, name)

    def roles(self) -> frozenset[str]:
        """Return the names of the server's roles."""
        with _maintenance(self.server) as connection:
            return frozenset(str(name) for (name,) in connection.execute(queries.load("shape/roles")))

    def drop_roles(self, *, keep: frozenset[str]) -> None:
        """Drop the roles that are not among those to keep; nothing in a database may depend on them any more."""
        for name in self.roles() - keep:
            with _maintenance(self.server) as connection:
                connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def create_database(server: Server, name: str, *, template: str | None = None) -> str:
    """Create a database that `postgres` owns and return its URL; by default a shaped one."""
    with _maintenance(server) as connection:
        _create(connection, name, template=template or SHAPED)
    return server.dsn(name)


def clone_database(server: Server, source: str, name: str) -> str:
    """Make `name` a copy of `source`, whatever it was before, and return its URL.

    Raises:
        Unavailable: somebody is connected to `source`.
    """
    with _maintenance(server) as connection:
        _drop(connection, name)
        _create(connection, name, template=source)
        connection.execute(queries.load("shape/copy_settings"), {"source": source, "name": name})
    return server.dsn(name)


def drop_database(server: Server, name: str) -> None:
    """Drop a database, whoever is connected to it; that it is not there is fine."""
    with _maintenance(server) as connection:
        _drop(connection, name)


def stand_ins(connection: database.Connection) -> tuple[str, ...]:
    """Return what only stands in for the real thing in this database, sorted."""
    return shape.stand_ins(connection)


def _create(connection: database.Connection, name: str, *, template: str) -> None:
    # Copying files beats writing pages to the WAL where nothing is flushed.
    connection.execute(
        sql.SQL("create database {} owner postgres template {} strategy file_copy").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )


def _drop(connection: database.Connection, name: str) -> None:
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@contextmanager
def _maintenance(server: Server) -> Generator[database.Connection]:
    """Connect to a database of which nobody makes a copy."""
    dsn = server.dsn(MAINTENANCE, user=server.superuser)
    with database.translating(), database.connect(dsn) as connection:
        yield connection


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _quote(part: str) -> str:
    return quote(part, safe="")
