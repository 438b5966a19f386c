"""Productions to which a promotion comes to another end: one whose last file fails, one with a checklist."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from tests.faults import promoted
from tests.faults.promoted import Ended, Run
from tests.faults.promotion_site import ANEW, DONE, GOES_ON, HERE, INVALID, MIGRATIONS, Site

GOES_BACK, LISTED = "goes on back", "asks the list"
UNDER_WAY = "select kept from runbooks.promotions where ended_at is null"
OUTCOMES = "select outcome, ended_at >= began_at, applied_at is null from runbooks.promotions"


class Falling(Site):
    """Its last file fails, and the environment says that everything is rolled back then."""

    goal: ClassVar[str] = "rolled back"

    def prepare(self, database: str) -> None:
        self.ask(f"alter database {database} set shop.overlay = 'fails'")
        _configure(self, "overlays = [", 'after_failure = "roll-back"\noverlays = [')

    def mend(self) -> None:
        """Let the last file run."""
        (name,) = self.ask("select current_database()")[0]
        self.ask(f"alter database {name} reset shop.overlay")

    @property
    def word(self) -> str:
        kept = self.ask(UNDER_WAY) if self.there("promotions") else []
        if not kept:
            return DONE if self.begun else ANEW
        return GOES_BACK if kept[0][0].get("rolling_back") else GOES_ON

    def run_again(self) -> Ended:
        self.await_quiet()
        self.assert_consistent()
        if self.word == DONE:
            self.assert_whole()
            return Ended(0)
        if self.word == GOES_BACK:
            # It goes on back all the same.
            self.mend()
        run = self.next
        ended = promoted.run(run)
        assert (ended.code, ended.verdict, ended.state) == (0, "failed", self.goal), ended
        assert ended.asked == len(run.typed)
        assert self.files(ended, "rolled back") == [key.partition("_")[0] for key in MIGRATIONS]
        self.assert_whole()
        return ended

    def files(self, ended: Ended, status: str) -> list[str]:
        return sorted(version for version, said in ended.files.items() if said == status)

    def assert_whole(self) -> None:
        """Check that each file was applied once and rolled back once, nothing is left, and all records say so."""
        assert self.ask("select version from supabase_migrations.schema_migrations") == []
        assert self.ask("select to_regclass('public.notes') is null") == [(True,)]
        assert self.ask(INVALID) == []
        counts = (
            "select version, count(*) filter (where action = 'apply'), count(*) filter (where action = 'rollback')"
            " from runbooks.journal where action in ('apply', 'rollback') group by 1 order by 1"
        )
        assert self.ask(counts) == [(key.partition("_")[0], 1, 1) for key in MIGRATIONS]
        assert self.ask(OUTCOMES) == [("rolled-back", True, True)]
        said = "select (details -> 'ok')::bool, note ~ 'rolled back' from runbooks.audit_log where event = 'ended'"
        assert (False, True) in self.ask(said)
        assert (True,) not in {row[:1] for row in self.ask(said)}
        assert self.verified() == []
        assert self.ask("select count(*) from pg_locks where locktype = 'advisory'" + HERE) == [(0,)]


class Listed(Site):
    """A person is asked once more when all is proven."""

    def prepare(self, database: str) -> None:
        _configure(self, "checklist = []", 'checklist = ["Look at the notes."]')

    @property
    def confirmed(self) -> bool:
        decided = "select id from runbooks.audit_log where (event, gate) = ('approved', 'post-deployment')"
        return self.there("audit_log") and len(self.ask(decided)) == 1

    @property
    def next(self) -> Run:
        return replace(self.run, typed=promoted.APPROVES * ((not self.begun) + (not self.confirmed)))

    @property
    def word(self) -> str:
        word = super().word
        return LISTED if word == GOES_ON and not self.confirmed else word

    def assert_whole(self) -> None:
        """Check that the list was confirmed, once, and that the audit log says what came of both."""
        super().assert_whole()
        assert self.confirmed
        ended = (
            "select distinct gate from runbooks.audit_log where event = 'ended' and (details -> 'ok')::bool"
        )
        assert ("promote",) in self.ask(ended)


def _configure(site: Site, old: str, new: str) -> None:
    path = site.root / "runbooks.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
