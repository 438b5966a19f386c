"""Two equal databases, and what looks at one of them in each of the ways in which a change can be seen."""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from itertools import count

from ops import catalog, comparison, database, embedded, schema
from tests.drift.kind import BASE, ROLES, SUPERUSER, Kind

_NUMBERS = count(1)
_RANDOM = ("\\restrict", "\\unrestrict")
_SUBSCRIBE = (
    "create subscription {} connection 'dbname=nowhere' publication p "
    "with (connect = false, slot_name = none, streaming = off)"
)


class Pair:
    """The database that stays as it is, as `base` and `dump` say, and the one that is changed."""

    def __init__(self, server: embedded.Server, kinds: Iterable[Kind]) -> None:
        make_roles(server)
        self.server = server
        self.kinds = tuple(kind for kind in kinds if kind.since <= server.major <= kind.until)
        self._built = built(server, self.kinds)
        self.name = self._built.__enter__()
        self.dump = dumped(server, self.name)
        self.base = snapshot(server, self.name)
        self.changed = Changed(server, self.name, self.kinds)

    def renew(self) -> None:
        """Make the changed database anew, equal to the other."""
        self.changed.close()
        self.changed = Changed(self.server, self.name, self.kinds)

    def close(self) -> None:
        self.changed.close()
        self._built.__exit__(None, None, None)

    def expected(self, sees: str) -> str:
        return sees.replace("DRIFT_OWNER", self.server.superuser)


class Changed:
    """The changed database: a session that changes it, and mirrors of it; `dump` is what pg_dump says."""

    dump: Dump

    def __init__(self, server: embedded.Server, template: str, kinds: tuple[Kind, ...]) -> None:
        self.server = server
        self.name = f"drift_{next(_NUMBERS)}"
        embedded.create_database(server, self.name, template=template)
        subscribe(server, self.name, kinds)
        self.session, self.observer = connect(server, self.name), connect(server, self.name)
        self.mirrors = [catalog.Mirror.read(self.observer)]
        self.wal = connect(server, "postgres") if server.major >= 16 else None
        if self.wal:
            self.mirrors.append(catalog.Mirror.read(self.observer, self.wal))
            assert self.mirrors[-1].wal is not None

    def run(self, sql: str, *, alone: bool = False, dump: bool = False) -> list[schema.Delta]:
        """Run statements, and return what each way to look has seen of them, first before their commit."""
        previews: list[schema.Delta] = []
        if alone:
            self.session.execute(sql.encode())
        else:
            with self.session.transaction():
                self.session.execute(sql.encode())
                previews = [self.mirrors[-1].preview(self.session)]
        if dump:
            self.dump = Dump(self.server, self.name)
        return [*previews, *self.seen()]

    def undo(self, sql: str) -> list[schema.Delta]:
        """Run statements, and return what each mirror has seen of them."""
        self.session.execute(sql.encode())
        return self.seen()

    def seen(self) -> list[schema.Delta]:
        return [mirror.refresh(self.observer) for mirror in self.mirrors]

    def snapshot(self) -> schema.Snapshot:
        return schema.snapshot(self.observer)

    def close(self) -> None:
        for connection in (self.session, self.observer, self.wal):
            if connection:
                connection.close()
        drop(self.server, self.name)


class Dump:
    """A pg_dump that runs meanwhile."""

    def __init__(self, server: embedded.Server, name: str) -> None:
        self._process = subprocess.Popen(
            [server.bindir / "pg_dump", "--schema-only", server.dsn(name, user=server.superuser)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def text(self) -> str:
        """Wait for its end; what is another one each time is left out."""
        output, complaint = self._process.communicate()
        assert self._process.returncode == 0, complaint
        return "\n".join(line for line in output.splitlines() if not line.startswith(_RANDOM))


def dumped(server: embedded.Server, name: str) -> str:
    """Return what pg_dump says of a database's schema."""
    return Dump(server, name).text()


def snapshot(server: embedded.Server, name: str) -> schema.Snapshot:
    """Return what we say of it."""
    with connect(server, name) as connection:
        return schema.snapshot(connection)


def names(delta: schema.Delta) -> set[str]:
    """Return the objects that a comparison names, each with its kind."""
    return {f"{found.kind} {found.object}" for found in comparison.differences(delta)}


def connect(server: embedded.Server, name: str) -> database.Connection:
    return database.connect(server.dsn(name, user=server.superuser))


def make_roles(server: embedded.Server) -> None:
    """Make the roles and the tablespace that the changes speak of, once per server."""
    with connect(server, "postgres") as connection:
        if connection.execute("select true from pg_roles where rolname = %s", [SUPERUSER]).fetchone():
            return
        for role in ROLES:
            connection.execute(f"create role {role}".encode())
        connection.execute(f"create role {SUPERUSER} superuser".encode())
        connection.execute("set allow_in_place_tablespaces = on")
        connection.execute("create tablespace drift_space location ''")


@contextmanager
def built(server: embedded.Server, kinds: tuple[Kind, ...]) -> Generator[str]:
    """Make a database in which each of the changes can happen, and yield its name."""
    name = f"drift_{next(_NUMBERS)}"
    embedded.create_database(server, name, template=embedded.EMPTY)
    with connect(server, name) as connection:
        for setup in (BASE, *(kind.setup for kind in kinds if kind.setup)):
            connection.execute(setup.encode())
    subscribe(server, name, kinds)
    yield name
    drop(server, name)


def subscribe(server: embedded.Server, name: str, kinds: tuple[Kind, ...]) -> None:
    """Make the subscriptions that the changes speak of; a copy of a database does not have them."""
    with connect(server, name) as connection:
        for kind in kinds:
            if kind.subscription:
                connection.execute(_SUBSCRIBE.format(kind.subscription).encode())


def drop(server: embedded.Server, name: str) -> None:
    """Drop a database with its subscriptions."""
    with connect(server, name) as connection:
        found = connection.execute(
            "select subname from pg_subscription s, pg_database d where subdbid = d.oid and datname = %s",
            [name],
        )
        for (subscription,) in found.fetchall():
            connection.execute(f"alter subscription {subscription} disable".encode())
            connection.execute(f"alter subscription {subscription} set (slot_name = none)".encode())
            connection.execute(f"drop subscription {subscription}".encode())
    embedded.drop_database(server, name)
