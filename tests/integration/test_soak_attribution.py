"""Which errors of a real server's log are blamed on the write paths of a table: in its functions as well.

Each soaks anew, fails a statement, and looks: by the log as JSON and as CSV.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from ops import embedded, errors
from ops.soak import Soaked
from tests import fix_logs_api, projects
from tests.fix_staging import StagingDatabase
from tests.integration.test_soak import EXAMPLES, Site
from tests.polling import wait_until

SETTINGS = {
    "logging_collector": "on",
    "log_destination": "jsonlog,csvlog",
    "log_timezone": "UTC",
    "log_directory": "log",
    "log_filename": "postgres.log",
}
CONFIG = """\
[environments.staging]
database = "env:STAGING_URL"
[environments.staging.soak]
log_file = "{log}"
"""
APP = (
    EXAMPLES
    + """\
alter table public.ai_training_examples add constraint scored unique (score) deferrable initially deferred;
create view public.recent as select * from public.ai_training_examples where created_at > '2021-01-01';
create table public.others (id int primary key, score int);

create function public.save(score text) returns void language plpgsql as $$
begin
    if score = 'no' then
        raise exception 'a score is needed';
    end if;
    insert into public.ai_training_examples (score) values (score::int);
end
$$;
create function public.save_in_sql(score text) returns void language sql as $$
insert into public.ai_training_examples (score) values (score::int)
$$;
create function public.save_atomically(score text) returns void language sql
begin atomic
    insert into public.ai_training_examples (score) values (score::int);
end;
create function public.save_outside(score text) returns void language plpgsql as $$
begin
    perform public.save_in_sql(score);
end
$$;
create procedure public.save_by_call(score text) language plpgsql as $$
begin
    insert into public.ai_training_examples (nope) values (score);
end
$$;
create function public.save_anything(name text, score text) returns void language plpgsql as $$
begin
    if score = 'no' then
        raise exception 'a score is needed';
    end if;
    execute format('insert into public.%I (score) values ($1::int)', name) using score;
end
$$;
create function public.read_only() returns int language plpgsql as $$
begin
    return (select count(*) from public.ai_training_examples) / 0;
end
$$;
create function public.copied() returns trigger language plpgsql as $$
begin
    insert into public.ai_training_examples (score) values (1 / new.score);
    return new;
end
$$;
create trigger copied after insert on public.others for each row when (new.id > 100) execute function public.copied();
create function public.late() returns trigger language plpgsql as $$
begin
    if new.route_strategy = 'late' then
        raise exception 'too late';
    end if;
    return new;
end
$$;
create constraint trigger late after insert on public.ai_training_examples deferrable initially deferred
for each row execute function public.late();
create schema other;
create function public.keep(score text) returns void language plpgsql as $$
begin
    insert into public.ai_training_examples (score) values (score::int);
end
$$;
create function other.keep(score text) returns void language plpgsql as $$
begin
    perform score::int;
end
$$;
create function public.keep_theirs(score text) returns void language plpgsql as $$
begin
    perform other.keep(score);
end
$$;
create function public.put(score text) returns void language plpgsql as $$
begin
    insert into public.ai_training_examples (score) values (score::int);
end
$$;
create function public.put(score int) returns void language plpgsql as $$
begin
    perform 1 / (score - score);
end
$$;
create function public.note_down(score text) returns void language sql as $$
insert into public.ai_training_examples (score) values (score::int)
$$;
create function other.note_down(score text) returns int language sql volatile as $$
select 1 / (length(score) - length(score))
$$;
"""
)
DO = "do $do$ begin execute 'insert into public.' || 'ai_training' || '_examples (score) values (1 / 0)'; end $do$"
ON_A_WRITE_PATH = {
    "a function": ("select public.save('a lot')", "22P02"),
    "what a function raises": ("select public.save('no')", "P0001"),
    "a function in SQL": ("select public.save_in_sql('a lot')", "22P02"),
    "a function whose body was parsed": ("select public.save_atomically('a lot')", "22P02"),
    "a function that calls one": ("select public.save_outside('a lot')", "22P02"),
    "a function as PostgREST calls it": ('select * from "public"."save"("score" => $$a lot$$)', "22P02"),
    "one of two functions of a name": ("select public.keep('a lot')", "22P02"),
    "the one of two functions that takes this": ("select put('a lot')", "22P02"),
    "a procedure": ("call public.save_by_call('1')", "42703"),
    "dynamic SQL in a function": ("select public.save_anything('ai_training_examples', 'a lot')", "22P02"),
    "dynamic SQL in a DO block": (DO, "22012"),
    "a view": ("insert into public.recent (score) values (1 / 0)", "22012"),
    "other letters": ("INSERT INTO AI_Training_Examples (score) VALUES (1 / 0)", "22012"),
    "a trigger of another table": ("insert into public.others values (101, 0)", "22012"),
    "copy": ("copy public.ai_training_examples (score) from program 'echo a lot'", "22P02"),
}
AT_COMMIT = {
    "a deferred constraint": ("insert into public.ai_training_examples (score) values (1)", "23505"),
    "a deferred trigger": (
        "insert into public.ai_training_examples (route_strategy) values ('late')",
        "P0001",
    ),
}
ON_NONE = {
    "no table at all": "select 1 / 0",
    "what only reads": "select 1 / 0 from public.ai_training_examples",
    "a function that only reads": "select public.read_only()",
    "another table": "insert into public.others values (1, 1 / 0)",
    "dynamic SQL about another table": "select public.save_anything('others', 'a lot')",
    "a function that does not exist": "select public.nope()",
    "another function of the same name": "select other.keep('a lot')",
    "a function that calls another one of the same name": "select keep_theirs('a lot')",
    "a function of the same name that takes something else": "select put(1)",
    "another function in SQL of the same name": "select other.note_down('a lot')",
}
OF_UNKNOWN = {
    "a prepared statement": (
        "prepare p (text) as select $1::int",
        "execute p ('a lot')",
        "22P02 of 'execute'",
    ),
    "a cursor": (
        "declare c cursor with hold for select 1 / (n - 2000) from generate_series(1, 3000) n",
        "fetch 3000 from c",
        "22012 of 'fetch'",
    ),
    "a function that may do anything": (
        "select 1",
        "select public.save_anything('others', 'no')",
        "P0001 of 'select'",
    ),
    "one of two functions of a name that the session finds": (
        "set local search_path = other",
        "select keep('a lot')",
        "22P02 in one of several functions of a name, and the log does not say which: other.keep(text) is on none, "
        "public.keep(text) is on a write path",
    ),
    "one of two functions in SQL of a name that the session finds": (
        "set local search_path = other",
        "select note_down('a lot')",
        "22012 in one of several functions of a name",
    ),
}


class Logged(Site):
    """A project whose change is on a staging that keeps a log."""

    def __init__(self, root: Path, dsn: str, folder: Path, admin: str) -> None:
        super().__init__(root, dsn)
        self.admin = admin
        self.folder = folder

    def fail_last(self, *statements: str) -> None:
        """Run statements in one session, of which the last fails, and wait until the log has it."""
        mark = f"/* {uuid4()} */"
        with psycopg.connect(self.admin, autocommit=True) as session:
            for statement in statements[:-1]:
                session.execute(statement.encode(), prepare=False)
            with pytest.raises(psycopg.Error):
                session.execute(f"{statements[-1]} {mark}".encode(), prepare=False)
        wait_until(lambda: all(mark in path.read_text() for path in self.logs()))

    def logs(self) -> Iterable[Path]:
        return [self.folder / "postgres.json", self.folder / "postgres.csv"]

    def rules(self, found: Soaked) -> dict[str, tuple[str, str]]:
        assert found.record
        return {rule.name: (rule.status, rule.said) for rule in found.record.looks[-1].rules}


@pytest.fixture(scope="module")
def logged_server() -> Generator[embedded.Server]:
    with embedded.running(settings=SETTINGS) as server:
        StagingDatabase("", server.dsn()).push((projects.NOTES, APP))
        yield server


@pytest.fixture(params=["json", "csv"])
def logged(
    logged_server: embedded.Server,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Logged:
    monkeypatch.setenv("STAGING_URL", logged_server.dsn())
    folder = logged_server.data / "log"
    config = CONFIG.format(log=folder / f"postgres.{request.param}")
    root = projects.write(tmp_path / "app", migrations={projects.NOTES: APP}, config=config)
    site = Logged(root, logged_server.dsn(), folder, logged_server.dsn(user=logged_server.superuser))
    assert site.run(begin=True).ok
    return site


@pytest.mark.parametrize(("statement", "state"), ON_A_WRITE_PATH.values(), ids=ON_A_WRITE_PATH)
def test_an_error_on_a_write_path_is_seen_wherever_it_happened(logged: Logged, statement: str, state: str):
    logged.fail_last(statement)
    status, said = logged.rules(logged.run())["no SQL errors"]
    assert (status, said.startswith(state)) == ("fails", True), said


@pytest.mark.parametrize(("statement", "state"), AT_COMMIT.values(), ids=AT_COMMIT)
def test_what_was_deferred_fails_at_the_commit(logged: Logged, statement: str, state: str):
    logged.fail_last("begin", statement, "commit")
    rules = logged.rules(logged.run())
    assert (rules["no SQL errors"][0], rules["no SQL errors"][1].startswith(state)) == ("fails", True)
    assert rules["no constraint violations"][0] == ("fails" if state == "23505" else "holds")


@pytest.mark.parametrize("statement", ON_NONE.values(), ids=ON_NONE)
def test_an_error_elsewhere_is_none_of_the_soak(logged: Logged, statement: str):
    logged.fail_last(statement)
    found = logged.run()
    assert found.ok, found.summary
    assert logged.rules(found)["every error attributed"] == ("holds", "none is left over")


@pytest.mark.parametrize(("before", "statement", "said"), OF_UNKNOWN.values(), ids=OF_UNKNOWN)
def test_an_error_of_which_nobody_can_tell_is_said_apart(
    logged: Logged, before: str, statement: str, said: str
):
    logged.fail_last("begin", before, statement)
    found = logged.run()
    assert not found.ok
    rules = logged.rules(found)
    assert rules["no SQL errors"][0] == "holds"
    assert rules["every error attributed"][0] == "fails"
    assert said in rules["every error attributed"][1]
    assert "a lot" not in found.summary

    config = logged.root / "runbooks.toml"
    config.write_text(config.read_text() + "most_unattributed = 1\n")
    assert logged.run(begin=True).ok
    logged.fail_last("begin", before, statement)
    found = logged.run()
    assert found.ok
    assert said in logged.rules(found)["every error attributed"][1]


def test_a_login_that_is_refused_ran_nothing(logged: Logged):
    before = [path.stat().st_size for path in logged.logs()]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(logged.dsn, user="nobody-at-all")
    wait_until(
        lambda: all(path.stat().st_size > size for path, size in zip(logged.logs(), before, strict=True))
    )
    assert logged.run().ok


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "alter database postgres set log_min_messages = 'fatal'",
            "log_min_messages = fatal of the database",
        ),
        ("alter role anon set log_error_verbosity = 'terse'", "log_error_verbosity = terse of the role anon"),
    ],
)
def test_a_log_that_keeps_errors_out_is_refused(logged: Logged, setting: str, said: str):
    with psycopg.connect(logged.admin, autocommit=True) as admin:
        admin.execute(setting.encode())
        try:
            with pytest.raises(errors.Refused, match=said):
                logged.run(begin=True)
        finally:
            admin.execute(f"{setting.partition(' set ')[0]} reset all".encode())
    assert logged.run(begin=True).ok


ELSEWHERE = ("22012", "division by zero", "select 1 / 0 from others")
OURS = ("22012", "division by zero", "insert into ai_training_examples (score) values (1 / 0)")


@pytest.fixture
def asking(empty_staging: StagingDatabase, tmp_path: Path) -> Callable[[str], Site]:
    def site(url: str) -> Site:
        config = CONFIG.replace("log_file", "logs_url").format(log=url)
        root = projects.write(tmp_path / "app", migrations={projects.NOTES: EXAMPLES}, config=config)
        empty_staging.push((projects.NOTES, EXAMPLES))
        return Site(root, empty_staging.dsn)

    return site


def test_an_error_that_the_logs_api_has_only_on_a_later_page_is_seen(asking: Callable[[str], Site]):
    lines: list[dict[str, Any]] = []
    with fix_logs_api.serving(lines) as (url, asked):
        site = asking(url)
        site.run()
        began = datetime.now(UTC)
        lines.append(fix_logs_api.line(began, *OURS))
        lines += [
            fix_logs_api.line(began + timedelta(microseconds=10 * n), *ELSEWHERE) for n in range(1, 2500)
        ]
        wait_until(lambda: datetime.now(UTC) - began > timedelta(milliseconds=50))
        found = site.run()
    assert not found.ok
    assert "22012 on ai_training_examples (logs_url)" in found.summary
    assert len(asked) > 3


def test_what_the_logs_api_cut_and_cannot_be_read_on_is_a_gap(asking: Callable[[str], Site]):
    lines: list[dict[str, Any]] = []
    with fix_logs_api.serving(lines) as (url, _):
        site = asking(url)
        first = site.run()
        lines += [fix_logs_api.line(datetime.now(UTC), *ELSEWHERE)] * 1500
        wait_until(lambda: datetime.now(UTC).timestamp() * 1_000_000 > lines[0]["timestamp"] + 10_000)
        found = site.run()
    assert found.record
    assert first.record
    assert found.record.id != first.record.id
    assert "the logs API has more than 1000 errors within a moment" in found.record.said
