"""A project beside the database that it is for, which tests break and mend."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, LiteralString

import pytest

from ops import apply, database, inventory, journal, migrations, project, reversal
from ops.inventory import Entry, Inventory
from ops.migrations import Migration
from ops.target import Target


class Site:
    """A project and its database; `target` is how a run would act on it."""

    def __init__(self, root: Path, dsn: str) -> None:
        self.root = root
        self.dsn = dsn
        self.target = Target(dsn=dsn, observer_dsn=dsn, run="run-1", throw_away=True)
        self.connection = database.connect(dsn)
        journal.prepare(self.connection)

    def close(self) -> None:
        self.target.close()
        self.connection.close()

    def found(self) -> tuple[Migration, ...]:
        return migrations.find(project.load(self.root))

    def take(self, **options: Any) -> Inventory:
        return inventory.take(self.connection, self.found(), **options)

    def states(self, **options: Any) -> dict[str, str]:
        return {entry.file or entry.version: entry.state for entry in self.take(**options).entries}

    def entry(self, file: str) -> Entry:
        return next(entry for entry in self.take().entries if (entry.file or entry.version) == file)

    def apply(self, *versions: str) -> None:
        for migration in self.found():
            if not versions or migration.version in versions:
                outcome = apply.run(self.target, migration.script, reversal.forward_entry(migration))
                assert outcome.ok, outcome.failure

    def push(self, *versions: str, statements: Sequence[str] | None = None) -> None:
        """Apply as other hands would: the history row, and no journal row."""
        for migration in self.found():
            if not versions or migration.version in versions:
                stored = (
                    [s.text for s in migration.script.statements] if statements is None else list(statements)
                )
                self.connection.execute(migration.script.text.encode())
                self.connection.execute(
                    "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)",
                    (migration.version, migration.name, stored),
                )

    def execute(self, statement: LiteralString) -> None:
        self.connection.execute(statement)

    def path(self, file: str) -> Path:
        return self.root / file


MakeSite = Callable[[Callable[[Path], Path]], Site]


@pytest.fixture
def make_site(tmp_path: Path, shaped: str, request: pytest.FixtureRequest) -> MakeSite:
    def make(write: Callable[[Path], Path]) -> Site:
        site = Site(write(tmp_path), shaped)
        request.addfinalizer(site.close)
        return site

    return make


@pytest.fixture
def target(shaped: str, shaped_admin: str) -> Generator[Target]:
    """A shaped database as a run acts on it, seen once and with a journal."""
    target = Target(dsn=shaped, observer_dsn=shaped_admin, run="a run", throw_away=True)
    with target.login() as connection:
        journal.prepare(connection)
    target.observe()
    yield target
    target.close()
