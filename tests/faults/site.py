"""A database in place whose state after a rehearsal is known to the last row."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from ops import database, embedded, inventory, migrations, project
from tests import fix_postgres, projects
from tests.faults.victim import Run
from tests.polling import wait_until

NOTES = "20260101000000_notes"
COUNT = "20260102000000_count"
INDEX = "20260103000000_index"
MIXED = "20260104000000_mixed"

MIGRATIONS = {
    NOTES: projects.CREATE_NOTES + "alter table public.notes add column n int not null default 0;\n",
    COUNT: "update public.notes set n = n + 1;\n",
    INDEX: "create index concurrently notes_n_idx on public.notes (n);\n"
    "update public.notes set n = n + 10;\ncreate index concurrently on public.notes (body);\n",
    MIXED: "begin;\nset search_path = public;\nupdate notes set n = n + 100;\ncommit;\n"
    "begin;\nupdate notes set n = n + 1000;\ncommit;\n"
    "drop index concurrently public.notes_n_idx;\n"
    "create index concurrently notes_n_idx on notes (n, body);\n",
}
ROLLBACKS = {
    NOTES: projects.DROP_NOTES,
    COUNT: "update public.notes set n = n - 1;\n",
    INDEX: "drop index concurrently public.notes_n_idx;\nupdate public.notes set n = n - 10;\n"
    "drop index concurrently public.notes_body_idx;\n",
    MIXED: "drop index concurrently public.notes_n_idx;\ncreate index concurrently notes_n_idx on public.notes (n);\n"
    "update public.notes set n = n - 1100;\n",
}
# Waits in the midst of its transaction for as long as somebody holds the lock 42.
WAITS = "20260102500000_waits"
WAITING = {WAITS: "update public.notes set n = n;\nselect pg_advisory_xact_lock(42);\n"}
WAITING_BACK = {WAITS: "select 1;\n"}

HISTORY = "select version, name from supabase_migrations.schema_migrations order by version"
INVALID = "select indexrelid::regclass::text from pg_index where not indisvalid or not indisready"
NUMBERS = "select count(*), min(n), max(n) from public.notes"
# What is applied according to the journal: its last word about each version.
JOURNAL = (
    "select version from (select distinct on (version) version, action from runbooks.journal"
    " where action in ('apply', 'rollback') order by version, id desc) as last"
    " where action = 'apply' order by version"
)


@dataclass
class Site:
    """A project, its database, and the looks of both when all is well."""

    root: Path
    dsn: str
    admin: str
    name: str

    @property
    def run(self) -> Run:
        out = self.root.parent / "out"
        out.mkdir(exist_ok=True)
        return Run(project=self.root, dsn=self.dsn, out=out)

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        """Return a superuser's answer."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            return connection.execute(question.encode()).fetchall()

    def pending(self) -> tuple[str, ...]:
        """Return what is pending, and fail where the inventory has something against the database."""
        with database.connect(self.admin) as connection:
            found = inventory.take(connection, migrations.find(project.load(self.root)))
        assert not found.refusals, found.refusals
        return found.pending

    def assert_whole(self) -> None:
        """Check that everything is applied, once, and nothing is left over."""
        assert self.pending() == ()
        keys = sorted(path.stem for path in (self.root / "supabase/migrations").iterdir())
        assert self.ask(HISTORY) == [tuple(key.split("_", 1)) for key in keys]
        assert self.ask(JOURNAL) == [(key.split("_")[0],) for key in keys]
        assert self.ask(INVALID) == []
        assert self.ask(NUMBERS) == [(5, 1111, 1111)]

    def assert_consistent(self) -> None:
        """Check that the history and the journal say the same, and that it can be gone on from there."""
        if self.ask("select to_regclass('runbooks.journal')") != [(None,)]:
            assert [row[:1] for row in self.ask(HISTORY)] == self.ask(JOURNAL)
        self.pending()


@contextmanager
def site(
    root: Path,
    server: embedded.Server,
    *,
    waits: bool = False,
    lock_timeout: timedelta = timedelta(seconds=60),
) -> Generator[Site]:
    """Make the project and an empty shaped database for it; with `waits` one of its migrations may be held up."""
    projects.write(
        root / "project",
        migrations={**MIGRATIONS, **(WAITING if waits else {})},
        rollbacks={**ROLLBACKS, **(WAITING_BACK if waits else {})},
        config="[project]\ncontract = []\n"
        f"[environments.throw-away]\nrehearse = true\nlock_timeout = {lock_timeout.total_seconds()}\n",
    )
    with fix_postgres.fresh_database(server) as name:
        yield Site(root / "project", server.dsn(name), server.dsn(name, user=server.superuser), name)


@contextmanager
def held_up(site: Site) -> Generator[psycopg.Connection]:
    """Hold the lock for which the migration that waits is waiting."""
    with psycopg.connect(site.admin, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(42)")
        yield connection


def await_waiting(site: Site) -> None:
    """Wait until a run has come to the migration that waits."""
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and objid = 42 and not granted"
    wait_until(lambda: site.ask(waiting) == [(1,)], seconds=60)
