"""A production whose state after a promotion is known to the last row, of the journal and of the audit log too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import psycopg
import pytest

from flows.staging_rehearsal import staging_rehearsal
from ops import audit_proof, embedded, reviews
from ops.choices import Choices
from tests import fix_listening, fix_postgres, fix_repository, projects
from tests.faults import promoted
from tests.faults.promoted import Ended, Run
from tests.polling import wait_until
from tests.releases import configured

NOTES, INDEX, MIXED = "20260101000000_notes", "20260102000000_index", "20260103000000_mixed"
OVERLAY = "db/releases/20260104000000_prices_prod.sql"
# Each file that is run twice shows in the numbers.
MIGRATIONS = {
    NOTES: projects.CREATE_NOTES + "alter table public.notes add column n int not null default 0;\n"
    "update public.notes set n = n + 1;\n",
    INDEX: "create index concurrently notes_n_idx on public.notes (n);\nupdate public.notes set n = n + 10;\n",
    MIXED: "begin;\nset search_path = public;\nupdate notes set n = n + 100;\ncommit;\n"
    "begin;\nupdate notes set n = n + 1000;\ncommit;\n",
}
ROLLBACKS = {
    NOTES: projects.DROP_NOTES,
    INDEX: "drop index concurrently public.notes_n_idx;\nupdate public.notes set n = n - 10;\n",
    MIXED: "update public.notes set n = n - 1100;\n",
}
# The overlay fails in a database that says so.
FILES = {
    OVERLAY: "update public.notes\n"
    "set n = n + 10000 / (current_setting('shop.overlay', true) is distinct from 'fails')::int;\n",
    "db/releases/rollback/20260104000000_prices_prod.rollback.sql": "update public.notes set n = n - 10000;\n",
}
APPLY = [f"Apply {key}.sql" for key in (NOTES, INDEX, MIXED)] + [f"Apply {Path(OVERLAY).name}"]
ACT = ["Take hold of the database", *APPLY, "Settle what was applied"]
STEPS = [
    "Plan the promotion",
    "Check the confirmation",
    "Check connectivity",
    "Find what is pending",
    "Refuse bad files",
    "Find the rehearsal of this change",
    "Check the conditions of a promotion",
    "Compare schema versions",
    "Put the plan together",
    "Approved: promote",
    "Check the conditions of a promotion (2)",
    *ACT,
    "Ask the release gates",
    "Compare the schema's change with the rehearsed one",
    "See that the app works",
    "Guard the schema version",
    "Watch the database",
    "Record the post-deployment checklist",
    "Document the schema",
    "Write the release note",
    "Hand off the promotion",
    "End the record of the promotion",
]
# How many exchanges with the database each step of the act has.
EXCHANGES = dict(zip(ACT, (48, 16, 33, 24, 14, 1), strict=True))
# With FAULTS_EVERY=1 it is disturbed at each of them, and not only at every so many, the first and those of the commit.
EVERY = int(os.environ.get("FAULTS_EVERY", "10"))
# People are asked between two steps.
GATE, OUTCOME = "after Put the plan together", "after Hand off the promotion"
EXCHANGES |= {GATE: 26, OUTCOME: 7}
# What the next run does; the page of the matrix says more.
ANEW, GOES_ON, DONE = "asks anew", "goes on", "is done"
S = TypeVar("S", bound="Site")
VERSIONS = [key.partition("_")[0] for key in MIGRATIONS]
INVALID = "select indexrelid::regclass::text from pg_index where not indisvalid or not indisready"
LEFT = "select application_name from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
_GATE = """
[[release.gates]]
name = "priced"
query = "select count(*) from public.notes where n = 11111"
equals = 5
"""


def spread(step: str, exchanges: int | None = None) -> list[int]:
    """Return at which exchanges of a step, or after one, it is disturbed."""
    count = exchanges or EXCHANGES[step]
    return sorted({*range(1, count, EVERY), *range(max(1, count - 2), count + 1)})


@dataclass
class Site:
    """A shop whose change is rehearsed, and its production, to which nothing of it is applied."""

    root: Path
    dsn: str
    admin: str
    goal: ClassVar[str] = "promoted"

    def prepare(self, database: str) -> None:
        """Make it what it is, before anything is promoted to it."""

    @property
    def run(self) -> Run:
        return Run(project=self.root, dsn=self.dsn)

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        """Return a superuser's answer."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            found = connection.execute(question.encode())
            return found.fetchall() if found.description else []

    @property
    def begun(self) -> bool:
        """Whether a plan was begun."""
        return self.there("promotions") and self.ask("select count(*) from runbooks.promotions") != [(0,)]

    @property
    def next(self) -> Run:
        """The run that goes on from here, with people who answer what is still to be asked, and nothing else."""
        return self.run if self.begun else self.run.asked()

    @property
    def word(self) -> str:
        """Say what the next run will do."""
        if not self.begun:
            return ANEW
        ended = "select bool_and(ended_at is not null) from runbooks.promotions"
        return DONE if self.ask(ended) == [(True,)] else GOES_ON

    def is_over(self, ended: Ended) -> bool:
        """Whether a run has come to where all promotions to this production end."""
        return ended.state == self.goal and ended.verdict != "unavailable"

    def events(self) -> list[str]:
        """Return what the audit log says, without the questions."""
        if not self.there("audit_log"):
            return []
        found = self.ask("select event from runbooks.audit_log where event <> 'asked' order by id")
        return [event for (event,) in found]

    def assert_consistent(self) -> None:
        """Check what must hold wherever it was interrupted: nothing in the journal twice, the audit log whole."""
        if self.there("journal"):
            assert len(set(self.applied())) == len(self.applied())
        assert self.verified() == []

    def assert_whole(self) -> None:
        """Check that everything is applied, once, that it was approved once, and that all records say so."""
        history = "select version from supabase_migrations.schema_migrations order by version"
        assert self.ask(history) == [(version,) for version in VERSIONS]
        assert self.applied() == [f"supabase/migrations/{key}.sql" for key in MIGRATIONS] + [OVERLAY]
        assert self.ask("select count(*), min(n), max(n) from public.notes") == [(5, 11111, 11111)]
        assert self.ask(INVALID) == []
        ended = "select outcome, ended_at >= applied_at and applied_at >= began_at from runbooks.promotions"
        assert self.ask(ended) == [("promoted", True)]
        assert self.verified() == []
        approved = "select distinct plan_digest from runbooks.audit_log where (event, gate) = ('approved', 'promote')"
        assert self.ask(approved) == self.ask("select plan_digest from runbooks.promotions")
        said = "select count(*) from runbooks.audit_log where event = 'ended' and (details -> 'ok')::bool"
        assert self.ask(said) != [(0,)]
        assert self.ask("select count(*) from pg_locks where locktype = 'advisory'" + HERE) == [(0,)]

    def await_quiet(self) -> None:
        """Wait until the server has done with the sessions of a run that was killed."""
        wait_until(lambda: self.ask(LEFT) == [], seconds=60)

    def run_again(self) -> Ended:
        """Promote again, with nobody to be asked if a plan was begun; all must be in place then."""
        self.await_quiet()
        self.assert_consistent()
        run = self.next
        ended = promoted.run(run)
        assert ended.code == 0, ended
        assert self.is_over(ended) or ended.state == "nothing pending", ended
        assert ended.asked == len(run.typed)
        self.assert_whole()
        return ended

    def verified(self) -> list[str]:
        """Return what `runbooks audit verify` has against the audit log."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("PRODUCTION_URL", self.dsn)
            patched.setenv("AUDIT_KEY", promoted.KEY)
            with reviews.opened(self.root, "production") as (_, log):
                return [str(row["finding"]) for row in audit_proof.verify(log).rows]

    def applied(self) -> list[str]:
        return [
            file
            for (file,) in self.ask("select file from runbooks.journal where action = 'apply' order by id")
        ]

    def there(self, table: str) -> bool:
        return self.ask(f"select to_regclass('runbooks.{table}') is not null") == [(True,)]


HERE = " and database = (select oid from pg_database where datname = current_database())"


def rehearsed(root: Path) -> Path:
    """Write the shop under git, and rehearse its change once."""
    projects.write(
        root,
        migrations=MIGRATIONS,
        rollbacks=ROLLBACKS,
        files=FILES,
        contract=projects.CONTRACT,
        config=configured('audit_key = "env:AUDIT_KEY"').partition("[[release.gates]]")[0] + _GATE,
    )
    (root / ".gitignore").write_text("artifacts/\n")
    fix_repository.git(root, "init", "-q", "-b", "main", ".")
    fix_repository.committed(root)
    found = staging_rehearsal.fn(str(root), "throw-away", Choices(overlay="production"))
    assert found.ok, found.summary
    return root


@contextmanager
def site(
    folder: Path, source: Path, server: embedded.Server, *, tcp: bool = False, kind: type[S]
) -> Generator[S]:
    """Copy the rehearsed shop, and make an empty shaped database for it."""
    shutil.copytree(source, folder / "shop")
    with fix_postgres.fresh_database(server) as name:
        dsn = fix_listening.address(server, dbname=name) if tcp else server.dsn(name)
        made = kind(folder / "shop", dsn, server.dsn(name, user=server.superuser))
        made.prepare(name)
        yield made
