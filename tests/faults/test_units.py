"""Files that cannot be one transaction: what each kind of statement leaves behind when it breaks off or fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import apply, database, errors, execution, interrupted, journal, migrations, project, reversal
from ops.migrations import Migration
from ops.target import Target
from tests import projects
from tests.faults.site import INVALID
from tests.polling import wait_until

TABLE = """
create schema app;
create table app.items (id int primary key, label text, day date);
insert into app.items select n, 'item ' || n, date '2026-01-01' + n from generate_series(1, 20) as n;
create index items_day_idx on app.items (day);
create table app.log (at date not null) partition by range (at);
create table app.log_1 partition of app.log for values from ('2026-01-01') to ('2026-02-01');
create table app.calls (n int);
grant usage on schema app to service_role;
grant select on app.items to service_role;
create procedure app.twice() language plpgsql as $$
begin
    insert into app.calls values (1);
    commit;
    insert into app.calls values (2);
end $$;
"""
KEY = "20260101000000_unit"


class Base:
    """A database with a table, and one migration of a project beside it."""

    def __init__(self, root: Path, dsn: str, admin: str) -> None:
        self.root, self.admin = root, admin
        self.target = Target(dsn=dsn, observer_dsn=dsn, run="run-1", throw_away=False)
        with database.connect(dsn) as connection:
            connection.execute(TABLE.encode())
            journal.prepare(connection)

    def migration(self, text: str) -> Migration:
        projects.write(self.root, migrations={KEY: text})
        return migrations.find(project.load(self.root))[0]

    def apply(self, text: str) -> apply.Outcome:
        found = self.migration(text)
        return apply.run(self.target, found.script, reversal.forward_entry(found))

    def interrupt(self, text: str, *, after: str = "", done: int = 0) -> None:
        """Leave what a run leaves that was killed in the unit after `done` others, when `after` was done."""
        found = self.migration(text)
        entry = reversal.forward_entry(found)
        with database.connect(self.admin) as connection:
            for number, unit in enumerate(found.script.units[:done]):
                for statement in unit.statements:
                    connection.execute(statement.text.encode())
                with connection.transaction():
                    execution.settle_locally(connection, entry.file)
                    journal.mark(connection, entry, run="killed", unit=number, done=True)
            (statement,) = found.script.units[done].statements
            witness = interrupted.witness(connection, statement)
            journal.mark(connection, entry, run="killed", unit=done, done=False, witness=witness)
            for line in filter(None, after.split(";")):
                connection.execute(line.encode())

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            return connection.execute(question.encode()).fetchall()

    def indexes(self) -> list[str]:
        found = self.ask("select indexname from pg_indexes where schemaname = 'app' order by 1")
        return [name for (name,) in found if name != "items_pkey"]


@pytest.fixture
def base(tmp_path: Path, shaped: str, shaped_admin: str) -> Base:
    return Base(tmp_path, shaped, shaped_admin)


BREAK = "update pg_index set indisvalid = false where indexrelid = 'app.{}'::regclass"


@pytest.mark.parametrize(
    ("create", "name"),
    [
        ("create index concurrently items_label_idx on app.items (label);", "items_label_idx"),
        ("create index concurrently if not exists items_label_idx on app.items (label);", "items_label_idx"),
        ("create unique index concurrently on app.items (label);", "items_label_idx"),
        ('create index concurrently "Odd Name" on only app.items using btree (lower(label));', "Odd Name"),
    ],
)
def test_a_broken_index_is_dropped_and_built_again(base: Base, create: str, name: str) -> None:
    plain = create.replace("concurrently ", "").rstrip(";")
    base.interrupt(create, after=f"{plain};{BREAK.format(chr(34) + name + chr(34))}")
    assert len(base.ask(INVALID)) == 1
    outcome = base.apply(create)
    assert outcome.ok, outcome.failure
    assert outcome.resumed
    assert f"dropped the INVALID index app.{name} that an interruption had left" in outcome.notes
    assert base.indexes() == sorted(["items_day_idx", name])
    assert base.ask(INVALID) == []


def test_an_index_that_was_finished_after_all_is_kept(base: Base) -> None:
    create = "create index concurrently on app.items (label);"
    base.interrupt(create, after="create index on app.items (label)")
    ((oid,),) = base.ask("select 'app.items_label_idx'::regclass::oid::int")
    outcome = base.apply(create)
    assert outcome.ok, outcome.failure
    assert base.ask("select 'app.items_label_idx'::regclass::oid::int") == [(oid,)]
    assert base.indexes() == ["items_day_idx", "items_label_idx"]


def test_an_invalid_index_of_somebody_else_is_not_ours_to_drop(base: Base) -> None:
    base.ask(f"{BREAK.format('items_day_idx')} returning 1")
    create = "create index concurrently items_label_idx on app.items (label);"
    base.interrupt(create)
    assert base.apply(create).ok
    assert base.ask(INVALID) == [("app.items_day_idx",)]


def test_an_index_that_somebody_made_meanwhile_is_neither_ours_nor_taken_for_ours(base: Base) -> None:
    create = "create index concurrently items_label_idx on app.items (label);"
    base.interrupt(create, after=f"create index other_idx on app.items (label);{BREAK.format('other_idx')}")
    assert base.apply(create).ok
    assert base.ask(INVALID) == [("app.other_idx",)]
    assert base.indexes() == ["items_day_idx", "items_label_idx", "other_idx"]


def test_an_invalid_index_that_if_not_exists_would_keep_is_a_failure(base: Base) -> None:
    base.ask(f"{BREAK.format('items_day_idx')} returning 1")
    failure = base.apply("create index concurrently if not exists items_day_idx on app.items (day);").failure
    assert failure
    assert "app.items_day_idx exists and is INVALID" in failure.message
    assert (failure.line, failure.column) == (1, 1)
    assert base.ask(INVALID) == [("app.items_day_idx",)]
    assert base.ask("select version from supabase_migrations.schema_migrations") == []


def test_an_index_that_fails_leaves_no_invalid_one(base: Base) -> None:
    base.ask("update app.items set label = 'same' returning 1")
    failure = base.apply("create unique index concurrently items_label_key on app.items (label);").failure
    assert failure
    assert failure.sqlstate == "23505"
    assert base.ask(INVALID) == []
    assert base.indexes() == ["items_day_idx"]


def test_while_somebody_else_still_builds_it_nothing_is_dropped(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupted, "PATIENCE", 0.5)
    monkeypatch.setattr(apply, "ATTEMPTS", 1)
    create = "create index concurrently items_label_idx on app.items (label);"
    base.interrupt(create)
    with psycopg.connect(base.admin) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("select count(*) from app.items")
        with psycopg.connect(base.admin, autocommit=True) as builder:
            builder.pgconn.send_query(create.encode())
            wait_until(lambda: bool(base.ask("select 1 from pg_stat_progress_create_index")))
            with pytest.raises(errors.Unavailable, match=r"still building app\.items_label_idx"):
                base.apply(create)
            assert base.ask(INVALID) == [("app.items_label_idx",)]
            reader.rollback()
            while builder.pgconn.get_result():
                pass
    assert base.apply(create).ok
    assert base.ask(INVALID) == []


def test_a_dropped_index_is_not_dropped_again(base: Base) -> None:
    drop = "drop index concurrently app.items_day_idx;"
    base.interrupt(drop, after="drop index app.items_day_idx")
    outcome = base.apply(drop)
    assert outcome.ok, outcome.failure
    assert "index items_day_idx was dropped before the interruption" in outcome.notes


def test_an_index_that_was_not_dropped_yet_is_dropped(base: Base) -> None:
    drop = "drop index concurrently app.items_day_idx;"
    base.interrupt(drop)
    assert base.apply(drop).ok
    assert base.indexes() == []


def test_the_remains_of_a_reindex_are_swept_away(base: Base) -> None:
    reindex = "reindex index concurrently app.items_day_idx;"
    base.interrupt(
        reindex,
        after=f"create index items_day_idx_ccnew on app.items (day);{BREAK.format('items_day_idx_ccnew')}",
    )
    assert base.apply(reindex).ok
    assert base.indexes() == ["items_day_idx"]


@pytest.mark.parametrize(
    "after",
    [
        "",
        "alter table app.log detach partition app.log_1",
        "update pg_inherits set inhdetachpending = true where inhrelid = 'app.log_1'::regclass",
    ],
)
def test_a_partition_is_detached_once(base: Base, after: str) -> None:
    detach = "alter table app.log detach partition app.log_1 concurrently;"
    base.interrupt(detach, after=after)
    outcome = base.apply(detach)
    assert outcome.ok, outcome.failure
    assert base.ask("select 1 from pg_inherits where inhrelid = 'app.log_1'::regclass") == []


def test_what_commits_by_itself_is_not_run_twice(base: Base) -> None:
    call = "call app.twice();\n"
    outcome = base.apply(call)
    assert outcome.ok, outcome.failure
    assert not outcome.transactional
    assert base.ask("select n from app.calls order by n") == [(1,), (2,)]


def test_nobody_knows_how_far_a_statement_came_that_commits_by_itself(base: Base) -> None:
    block = (
        "do $$ begin insert into app.calls values (1); commit; insert into app.calls values (2); end $$;\n"
    )
    base.interrupt(block, after="insert into app.calls values (1)")
    failure = base.apply(block).failure
    assert failure
    assert "nobody can know how far it came" in failure.message
    assert "supabase migration repair" in failure.message
    assert base.ask("select n from app.calls") == [(1,)]
    assert base.ask("select version from supabase_migrations.schema_migrations") == []


def test_a_call_that_was_found_to_commit_is_gone_on_with_unit_by_unit(base: Base) -> None:
    text = "insert into app.calls values (0);\ncall app.twice();\ninsert into app.calls values (3);\n"
    found = base.migration(text)
    entry = reversal.forward_entry(found)
    with database.connect(base.admin) as connection:
        connection.execute("insert into app.calls values (0)")
        journal.mark(connection, entry, run="killed", unit=0, done=True)
        connection.execute("call app.twice()")
        journal.mark(connection, entry, run="killed", unit=1, done=True)
    outcome = apply.run(base.target, found.script, entry)
    assert outcome.ok, outcome.failure
    assert base.ask("select n from app.calls order by n") == [(0,), (1,), (2,), (3,)]


def test_units_that_were_done_are_not_done_again_and_their_settings_hold(base: Base) -> None:
    text = (
        "set search_path = app;\nset role authenticated;\nset role postgres;\ninsert into calls values (1);\n"
        "create index concurrently items_label_idx on items (label);\ninsert into calls values (2);\n"
    )
    base.interrupt(text, done=4)
    outcome = base.apply(text)
    assert outcome.ok, outcome.failure
    assert "unit 4 of 6 was done before an interruption" in outcome.notes
    assert base.ask("select n from app.calls order by n") == [(1,), (2,)]


def test_a_session_is_the_same_in_every_unit(base: Base) -> None:
    text = (
        "set search_path = app;\nset role service_role;\nselect count(*) from items;\n"
        "commit;\nselect set_config('x.y', current_user || ' ' || current_setting('search_path'), false);\n"
        "commit;\nreset role;\ncreate table seen as select current_setting('x.y') as said;\n"
        "create index concurrently seen_idx on seen (said);\n"
    )
    outcome = base.apply(text)
    assert outcome.ok, outcome.failure
    assert base.ask("select said from app.seen") == [("service_role app",)]


def test_an_edited_file_begins_anew(base: Base) -> None:
    base.interrupt("create index concurrently items_label_idx on app.items (label);")
    outcome = base.apply("create index concurrently items_label_idx on app.items (label, id);")
    assert outcome.ok, outcome.failure
    assert not outcome.resumed
