"""Two equal databases, and what looks at one of them in each of the ways a change can be seen."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from itertools import count

from ops import catalog, comparison, database, embedded, schema
from tests.drift.kind import BASE, ROLES, SUPERUSER, Kind

_NUMBERS = count(1)


@dataclass
class Pair:
    """The database that stays as it is (as `base` and `dump` say) and the one that is changed."""

    server: embedded.Server
    kinds: tuple[Kind, ...]
    base: schema.Snapshot = field(default_factory=dict[schema.Key, str])
    dump: str = ""
    changed: Changed = field(init=False)

    def __post_init__(self) -> None:
        make_roles(self.server)
        self.left = f"drift_{next(_NUMBERS)}"
        build(self.server, self.left, self.kinds)
        self.dump = dumped(self.server, self.left)
        with database.connect(self.server.dsn(self.left, user=self.server.superuser)) as connection:
            self.base = schema.snapshot(connection)
        self.renew()

    def renew(self) -> None:
        """Make the changed database anew, equal to the other."""
        if hasattr(self, "changed"):
            self.changed.close()
        self.changed = Changed(self.server, self.left, self.kinds)

    def expected(self, sees: str) -> str:
        return sees.replace("DRIFT_OWNER", self.server.superuser)


class Changed:
    """The changed database: a session that changes it, and mirrors of it."""

    def __init__(self, server: embedded.Server, template: str, kinds: tuple[Kind, ...]) -> None:
        self.server = server
        self.name = f"drift_{next(_NUMBERS)}"
        embedded.create_database(server, self.name, template=template)
        subscribe(server, self.name, kinds)
        self.session, self.observer = self._connect(self.name), self._connect(self.name)
        self.wal = self._connect("postgres") if server.major >= 16 else None
        self.mirrors = [catalog.Mirror.read(self.observer)]
        if self.wal:
            self.mirrors.append(catalog.Mirror.read(self.observer, self.wal))
            assert self.mirrors[-1].wal is not None

    def _connect(self, name: str) -> database.Connection:
        return database.connect(self.server.dsn(name, user=self.server.superuser))

    def run(self, sql: str, *, alone: bool = False) -> list[schema.Delta]:
        """Run statements, and return what each way to look has seen of them; all agree."""
        previews: list[schema.Delta] = []
        if alone:
            self.session.execute(sql.encode())
        else:
            with self.session.transaction():
                self.session.execute(sql.encode())
                previews = [mirror.preview(self.session) for mirror in self.mirrors]
        return [*previews, *(mirror.refresh(self.observer) for mirror in self.mirrors)]

    def close(self) -> None:
        for connection in (self.session, self.observer, self.wal):
            if connection:
                connection.close()
        drop(self.server, self.name)


def make_roles(server: embedded.Server) -> None:
    """Make the roles that the changes speak of, once per server."""
    with database.connect(server.dsn(user=server.superuser)) as connection:
        for role in ROLES:
            connection.execute(f"drop role if exists {role}".encode())
            connection.execute(f"create role {role}".encode())
        connection.execute(f"drop role if exists {SUPERUSER}".encode())
        connection.execute(f"create role {SUPERUSER} superuser".encode())
        connection.execute("set allow_in_place_tablespaces = on")
        connection.execute("drop tablespace if exists drift_space")
        connection.execute("create tablespace drift_space location ''")


def build(server: embedded.Server, name: str, kinds: tuple[Kind, ...]) -> None:
    """Make a database in which each of the changes can happen."""
    embedded.create_database(server, name, template=embedded.EMPTY)
    with database.connect(server.dsn(name, user=server.superuser)) as connection:
        for setup in (BASE, *(kind.setup for kind in kinds if kind.setup)):
            connection.execute(setup.encode())
    subscribe(server, name, kinds)


def subscribe(server: embedded.Server, name: str, kinds: tuple[Kind, ...]) -> None:
    """Make the subscriptions that the changes speak of; a copy of a database does not have them."""
    with database.connect(server.dsn(name, user=server.superuser)) as connection:
        for kind in kinds:
            if kind.subscription:
                connection.execute(
                    f"create subscription {kind.subscription} connection 'dbname=nowhere' publication p "
                    "with (connect = false, slot_name = none, streaming = off)".encode()
                )


def drop(server: embedded.Server, name: str) -> None:
    """Drop a database with its subscriptions."""
    with database.connect(server.dsn(name, user=server.superuser)) as connection:
        found = connection.execute(
            "select subname from pg_subscription where subdbid = (select oid from pg_database where datname = %s)",
            [name],
        ).fetchall()
        for (subscription,) in found:
            connection.execute(f"alter subscription {subscription} disable".encode())
            connection.execute(f"alter subscription {subscription} set (slot_name = none)".encode())
            connection.execute(f"drop subscription {subscription}".encode())
    embedded.drop_database(server, name)


def dumped(server: embedded.Server, name: str) -> str:
    """Return what pg_dump says of a database's schema."""
    command = [server.bindir / "pg_dump", "--schema-only", server.dsn(name, user=server.superuser)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr
    return "\n".join(
        line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))
    )


def names(delta: schema.Delta) -> set[str]:
    """Return the objects that a comparison names, each with its kind."""
    return {f"{found.kind} {found.object}" for found in comparison.differences(delta)}
