"""A soak on a real database: looks, rules that break, gaps, and what is applied changing underneath."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import (
    bundle,
    database,
    embedded,
    errors,
    journal,
    migrations,
    project,
    soak,
    soak_change,
    soak_end,
    soak_record,
)
from ops.soak import Soaked
from tests import fix_app, projects
from tests.fix_staging import StagingDatabase
from tests.polling import wait_until

EXAMPLES = """\
create table public.ai_training_examples (
    id bigint generated always as identity primary key,
    selected_provider text,
    route_strategy text,
    prompt_template_version text,
    score int,
    created_at timestamptz not null default clock_timestamp()
);
insert into public.ai_training_examples (score, created_at) values (1, '2020-01-01');
"""
COMPLETE = (
    "insert into public.ai_training_examples (selected_provider, route_strategy, prompt_template_version) "
    "values ('openai', 'weighted', 'v2')"
)
INCOMPLETE = "insert into public.ai_training_examples (selected_provider, route_strategy) values ('openai', 'weighted')"
_CONFIG = """\
[environments.staging]
database = "env:STAGING_URL"

[environments.staging.soak]
{more}
"""
DAY_AGO = (
    "update runbooks.soak set began_at = began_at - interval '24 hours {}', "
    "last_at = last_at - interval '{} minutes'"
)
MakeSoak = Callable[..., "Site"]


class Site:
    """A project whose change is on staging."""

    def __init__(self, root: Path, dsn: str) -> None:
        self.root = root
        self.dsn = dsn

    def run(self, *, begin: bool = False) -> Soaked:
        """Do what one run of the flow does."""
        planned = soak.plan(str(self.root), "staging", begin=begin)
        with soak.opened(planned, "a run") as soaking:
            soaking.bundle = bundle.open_bundle(self.root, kind="staging-soak", started=datetime.now(UTC))
            soak_change.find_change(soaking)
            soak.look(soaking)
            soak.record(soaking)
            return soak_end.hand_off(soaking)

    def execute(self, text: str) -> None:
        fix_app.execute(self.dsn, text)

    def age(self, minutes: int = 10, *, over: str = "6 minutes") -> None:
        """Let the soak have begun a day and more ago, and the last look have been so many minutes ago."""
        self.execute(DAY_AGO.format(over, minutes))

    def fail(self, statement: str) -> None:
        """Run a statement that fails, and wait until the server has counted it."""
        before = self._rollbacks()
        with pytest.raises(errors.CheckFailed):
            self._failing(statement)
        wait_until(lambda: self._rollbacks() > before)

    def _failing(self, statement: str) -> None:
        with database.translating(), database.connect(self.dsn) as connection:
            connection.execute(statement.encode())

    def _rollbacks(self) -> int:
        query = "select xact_rollback from pg_stat_database where datname = current_database()"
        return fix_app.ask(self.dsn, query)[0][0]


@pytest.fixture
def make(empty_staging: StagingDatabase, tmp_path: Path) -> MakeSoak:
    def site(more: str = "", extra: str = "") -> Site:
        root = projects.write(
            tmp_path / "app",
            migrations={projects.NOTES: EXAMPLES},
            config=_CONFIG.format(more=more) + extra,
        )
        empty_staging.push((projects.NOTES, EXAMPLES))
        return Site(root, empty_staging.dsn)

    return site


def test_a_day_without_a_fault_passes_and_says_so_where_a_promotion_looks(make: MakeSoak):
    site = make()
    first = site.run()
    assert first.record
    assert (first.record.verdict, first.record.said) == ("soaking", "begun, since there was none before")
    site.execute(COMPLETE)
    assert site.run().summary.endswith(" of 1 day, 0:00:00.")
    site.age()
    passed = site.run()
    assert passed.ok
    assert passed.bundle
    said = json.loads((Path(passed.bundle) / "soak.json").read_text())
    digest = migrations.change_digest(migrations.find(project.load(site.root)))
    assert (said["verdict"], said["environment"], said["migrations_digest"]) == ("passed", "staging", digest)
    assert said["began"] < said["ended"]
    assert (said["looks"], said["new_records"]) == (3, 1)
    again = site.run()
    assert (again.idle, again.ok) == (True, True)
    assert again.record
    assert len(again.record.looks) == 3
    assert passed.record
    assert (
        soak_record.Soak.model_validate_json(soak_record.mirror(site.root, passed.record).read_text())
        == passed.record
    )


def test_a_day_without_a_new_record_proves_nothing_yet(make: MakeSoak):
    site = make()
    site.run()
    site.age()
    found = site.run()
    assert "0 new records of the 1 that there must be" in found.summary
    assert found.record
    assert found.record.verdict == "soaking"


def test_a_record_that_lacks_a_field_fails_by_its_key(make: MakeSoak):
    site = make()
    site.run()
    site.execute(f"{COMPLETE}; {INCOMPLETE}")
    found = site.run()
    assert not found.ok
    assert (
        "of 2 new rows of public.ai_training_examples: 1 without prompt_template_version (id=3)"
        in found.summary
    )
    site.execute("delete from public.ai_training_examples where id = 3")
    still = site.run()
    assert (still.ok, still.idle) == (False, True)
    anew = site.run(begin=True)
    assert anew.ok
    assert anew.record
    assert anew.record.said == "begun, since it was asked for"


def test_something_that_was_rolled_back_is_no_pass_where_nobody_says_what(make: MakeSoak):
    site = make()
    site.run()
    site.fail("insert into public.ai_training_examples (score) values ('a lot')")
    found = site.run()
    assert not found.ok
    assert "1 transactions were rolled back" in found.summary
    assert "Name errors_query" in found.summary


def test_a_query_that_knows_better_decides(make: MakeSoak):
    site = make(
        'errors_query = "select message from public.failures where at between %(since)s and %(until)s"\n'
        "violations_query = \"select message from public.failures where message ~ 'violates' and at > %(since)s\""
    )
    site.execute("create table public.failures (message text, at timestamptz default clock_timestamp())")
    site.run()
    site.fail("select 1/0")
    assert site.run().ok
    site.execute("insert into public.failures (message) values ('row violates check score_positive')")
    found = site.run()
    assert "no SQL errors: row violates check score_positive (errors_query)" in found.summary
    assert "no constraint violations: row violates check score_positive (violations_query)" in found.summary


def test_rows_that_break_a_constraint_that_was_never_validated_fail(make: MakeSoak):
    site = make()
    site.execute("alter table public.ai_training_examples add constraint scored check (score > 1) not valid")
    found = site.run()
    assert not found.ok
    assert "public.ai_training_examples: scored: 1 rows break it" in found.summary


def test_a_gap_in_watching_begins_anew_and_says_so(make: MakeSoak):
    site = make()
    first = site.run()
    site.execute(COMPLETE)
    site.age(minutes=50)
    found = site.run()
    assert found.record
    assert first.record
    assert found.record.id != first.record.id
    assert "nobody looked for 0:50:0" in found.record.said
    assert found.told == "No manager webhook is configured, so nobody was told."
    assert found.record.looks[-1].new_records == 0
    ended = fix_app.ask(site.dsn, f"select verdict from runbooks.soak where id = '{first.record.id}'")
    assert ended == [("failed",)]


def test_counters_that_were_set_back_begin_anew(make: MakeSoak, shaped_admin: str):
    site = make()
    first = site.run()
    fix_app.execute(shaped_admin, "select pg_stat_reset()")
    query = "select true from pg_stat_database where datname = current_database() and stats_reset is not null"
    wait_until(lambda: fix_app.ask(shaped_admin, query) != [])
    found = site.run()
    assert found.record
    assert first.record
    assert found.record.id != first.record.id
    assert "counters were set back" in found.record.said


@pytest.mark.parametrize("how", ["a migration", "an overlay", "by hand"])
def test_what_is_applied_changing_begins_anew(make: MakeSoak, empty_staging: StagingDatabase, how: str):
    site = make(extra="[environments.staging.watch]\n")
    config = site.root / "runbooks.toml"
    config.write_text(
        config.read_text().replace(
            "[environments.staging]\n", '[environments.staging]\noverlays = ["overlays/*.sql"]\n'
        )
    )
    first = site.run()
    if how == "a migration":
        projects.write(site.root, migrations={projects.TAGS: "create table public.tags ();"})
        with pytest.raises(errors.Refused, match="1 migrations are pending there"):
            site.run()
        empty_staging.push((projects.TAGS, "create table public.tags ();"))
    elif how == "an overlay":
        (site.root / "overlays").mkdir()
        (site.root / "overlays" / "staging.sql").write_text("select 1;")
    else:
        with database.connect(site.dsn) as connection:
            journal.prepare(connection)
        site.execute(
            "insert into runbooks.journal (version, file, action, sha256, run) values ('1', 'o.sql', 'apply', 'x', 'r')"
        )
    found = site.run()
    assert found.record
    assert first.record
    assert found.record.id != first.record.id
    assert found.record.said == "begun, since what is applied there has changed"


def test_two_runs_at_once_are_one_soak(make: MakeSoak):
    site = make()
    failed: list[Exception] = []

    def run() -> None:
        try:
            site.run()
        except Exception as error:
            failed.append(error)

    both = [threading.Thread(target=run) for _ in range(3)]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    assert failed == []
    assert fix_app.ask(site.dsn, "select count(*) from runbooks.soak") == [(1,)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("statistics = false", "Nothing on staging would tell of SQL errors"),
        ('tables = ["ai_training_example"]', "The nearest is 'ai_training_examples'"),
        ('records = {fields = ["selected_providers"]}', "The nearest is 'selected_provider'"),
        ("records = {fields = []}", "soak.records.fields"),
    ],
)
def test_what_could_not_be_looked_at_is_refused(make: MakeSoak, more: str, said: str):
    site = make(more)
    with pytest.raises(errors.Refused, match=said):
        site.run()


def test_the_end_is_judged_when_the_logs_had_the_time_to_tell_of_it(make: MakeSoak, tmp_path: Path):
    log = tmp_path / "postgres.json"
    log.write_text("")
    site = make(f'log_file = "{log}"')
    site.run()
    site.execute(COMPLETE)
    site.age(over="1 minute")
    waiting = site.run()
    assert waiting.record
    assert waiting.record.verdict == "soaking"
    assert "1 day, 0:00:00 are over, and the logs have 0:05:00 more to tell of them" in waiting.summary
    # What comes now was written before the day was over.
    late = {
        "timestamp": f"{datetime.now(UTC) - timedelta(minutes=3):%Y-%m-%d %H:%M:%S}.000 UTC",
        "error_severity": "ERROR",
        "state_code": "22003",
        "message": "integer out of range",
        "statement": "insert into public.ai_training_examples (score) values (99999999999)",
    }
    log.write_text(json.dumps(late) + "\n")
    site.execute("update runbooks.soak set began_at = began_at - interval '5 minutes'")
    found = site.run()
    assert found.record
    assert (found.record.verdict, "22003 on ai_training_examples" in found.summary) == ("failed", True)


@pytest.mark.parametrize("more", ["records = false", "records = {least = 0}"])
def test_records_that_nobody_looked_at_are_said_loudly_and_are_no_plain_pass(make: MakeSoak, more: str):
    site = make(more)
    first = site.run()
    assert first.record
    assert [rule.status for rule in first.record.looks[0].rules if rule.name == "records complete"] == [
        "unwatched"
    ]
    site.age()
    found = site.run()
    assert "NOT WATCHED" in found.summary
    assert found.bundle
    said = json.loads((Path(found.bundle) / "soak.json").read_text())
    assert (said["verdict"], said["not_watched"]) == ("passed", ["records complete"])


def test_an_environment_without_a_soak_is_refused(tmp_path: Path):
    root = projects.write(tmp_path, migrations={}, config='[environments.staging]\ndatabase = "env:X"\n')
    with pytest.raises(errors.Refused, match="has no soak"):
        soak.plan(str(root), "staging")


def test_the_servers_own_log_names_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = {
        "logging_collector": "on",
        "log_destination": "jsonlog",
        "log_timezone": "UTC",
        "log_directory": "log",
        "log_filename": "postgres.log",
    }
    with embedded.running(settings=settings) as server:
        dsn = server.dsn()
        monkeypatch.setenv("STAGING_URL", dsn)
        root = projects.write(
            tmp_path / "app",
            migrations={projects.NOTES: EXAMPLES},
            config=_CONFIG.format(more=f'log_file = "{server.data}/log/*.json"'),
        )
        staging = StagingDatabase("env:STAGING_URL", dsn)
        staging.push((projects.NOTES, EXAMPLES))
        site = Site(root, dsn)
        site.execute(
            "alter table public.ai_training_examples add constraint scored check (score > 1) not valid"
        )
        site.execute("delete from public.ai_training_examples")
        site.run()
        site.fail("select 1/0 from public.ai_training_examples union select 1/0")
        assert site.run().ok
        site.fail("insert into public.ai_training_examples (score) values ('hunter2-hunter2')")
        site.fail("insert into public.ai_training_examples (score) values (0)")
        found = site.run()
        assert "no SQL errors: 22P02 on ai_training_examples (log_file)" in found.summary
        assert 'violates check constraint "scored"' in found.summary
        assert "hunter2" not in found.model_dump_json()
