"""A small production for the demo of a restore: a cluster of our own that archives its WAL, with traffic on it."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from ops import database, embedded, errors, heartbeat, os_user, scratch

_EVERY = 0.02
_ORDER = "insert into public.orders (customer_id, total) values (1 + (random() * 499)::int, 42)"
_SHOP = """
create table public.customers (id bigint generated always as identity primary key, email text not null unique);
create table public.orders (
    id bigint generated always as identity primary key,
    customer_id bigint not null references public.customers (id),
    total numeric not null,
    placed_at timestamptz not null default clock_timestamp()
);
create table public.payments (
    id bigint generated always as identity primary key,
    total numeric not null,
    paid_at timestamptz not null default clock_timestamp()
);
alter table public.customers enable row level security;
alter table public.orders enable row level security;
alter table public.payments enable row level security;
create policy own on public.orders for select to authenticated using (customer_id = 1);
insert into public.customers (email) select 'customer' || i || '@example.com' from generate_series(1, 500) i;
insert into public.orders (customer_id, total) select 1 + i % 500, i from generate_series(1, 5000) i;
insert into public.payments (total) select i from generate_series(1, 5000) i;
"""
_CONFIG = """\
[project]
name = "demo-shop"

[environments.production]
database = "file:{secret}"

[environments.production.backups]
rpo = "1 min"
rto = "5 min"

[environments.production.backups.physical]
base = "{folder}/base"
wal = "{folder}/wal"

[environments.production.backups.drill]
heartbeat = "1 s"
"""


@dataclass(frozen=True)
class Dropped:
    """What there was just before the table was dropped, and when that was."""

    at: str
    orders: int
    payments: int


@dataclass
class Production:
    """The cluster, and the project that operates it."""

    server: embedded.Server
    folder: Path
    project: Path

    @property
    def dsn(self) -> str:
        return self.server.dsn(user=self.server.superuser)

    def ask(self, text: str) -> list[tuple[object, ...]]:
        """Run statements, each a transaction of its own, and return the rows of the last one."""
        with database.connect(self.dsn) as connection, database.translating():
            cursor = connection.execute(text.encode())
            while cursor.nextset():
                pass
            return list(cursor.fetchall()) if cursor.description else []

    def back_up(self) -> Path:
        """Make a base backup with pg_basebackup.

        Raises:
            CheckFailed: it was not made.
        """
        into = self.folder / "base" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        ended = os_user.find().run(
            *(self.server.bindir / "pg_basebackup", "-D", into, "-h", self.server.host),
            *("-p", str(self.server.port), "-U", self.server.superuser, "--checkpoint=fast"),
        )
        if ended.returncode:
            raise errors.CheckFailed(f"The base backup was not made: {ended.stderr.strip()}")
        return into

    def drop_orders(self) -> Dropped:
        """Drop the table, and say what there was and when: nobody orders or pays meanwhile."""
        with database.connect(self.dsn, autocommit=False) as connection, database.translating():
            connection.execute("lock table public.orders, public.payments in access exclusive mode")
            ((orders,),) = connection.execute("select count(*) from public.orders")
            ((payments,),) = connection.execute("select count(*) from public.payments")
            ((at,),) = connection.execute("select clock_timestamp()")
            time.sleep(0.01)
            connection.execute("drop table public.orders")
        return Dropped(at.astimezone(UTC).isoformat(), orders, payments)

    def archive(self) -> None:
        """Have all that was written until now archived.

        Raises:
            Unavailable: it was not archived within a minute.
        """
        ((name,),) = self.ask("select pg_walfile_name(pg_switch_wal())")
        deadline = time.monotonic() + 60
        while not (self.folder / "wal" / str(name)).exists():
            if time.monotonic() > deadline:
                raise errors.Unavailable(f"{name} was not archived within a minute.")
            time.sleep(0.02)

    @contextmanager
    def traffic(self) -> Generator[None]:
        """Let customers order and pay while the block runs, and the heart beat."""
        ending = threading.Event()
        thread = threading.Thread(target=self._trade, args=(ending,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()

    def _trade(self, ending: threading.Event) -> None:
        with database.connect(self.dsn) as connection:
            beaten = 0.0
            while not ending.wait(_EVERY):
                with suppress(psycopg.errors.UndefinedTable):
                    connection.execute(_ORDER)
                connection.execute("insert into public.payments (total) values (42)")
                if time.monotonic() - beaten > 1:
                    heartbeat.beat(connection)
                    beaten = time.monotonic()


@contextmanager
def running(*, segment: int | None = None) -> Generator[Production]:
    """Start the cluster with its archive, make the shop's tables, and write the project that operates it."""
    user = os_user.find()
    with tempfile.TemporaryDirectory(prefix="runbooks-shop-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for each in ("base", "wal", "shop/supabase/migrations"):
            (folder / each).mkdir(parents=True)
        user.own(folder)
        wal = scratch.shell(folder / "wal")
        settings = {
            "archive_mode": "on",
            "archive_timeout": "30",
            "archive_command": f"test ! -f {wal}/%f && cp %p {wal}/.%f && mv {wal}/.%f {wal}/%f",
            "full_page_writes": "on",
            "fsync": "on",
        }
        with embedded.running(settings=settings, segment=segment) as server:
            production = Production(server, folder, folder / "shop")
            secret = folder / "dsn"
            secret.touch(mode=0o600)
            secret.write_text(production.dsn)
            (production.project / "runbooks.toml").write_text(_CONFIG.format(secret=secret, folder=folder))
            production.ask(_SHOP)
            with database.connect(production.dsn) as connection:
                heartbeat.prepare(connection)
            yield production
