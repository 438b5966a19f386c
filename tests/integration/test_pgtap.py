"""pgTAP suites on real databases: counted one by one, judged as prove does, and all of them undone."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path

import psycopg
import pytest

from ops import database, embedded, pgtap, project, verdict
from tests import fix_postgres, projects

LANGUAGES = pytest.mark.parametrize(
    "language", ["", "\\set QUIET 1\n\\pset pager off\n"], ids=["plain", "psql"]
)
HEAD = "begin;\ncreate extension if not exists pgtap with schema extensions;\n"
FOOT = "select * from finish();\nrollback;\n"


def check(dsn: str, root: Path, suites: Mapping[str, str]) -> dict[str, verdict.ContractFile]:
    projects.write(root, migrations={}, tests=suites)
    files = pgtap.run(project.load(root), dsn).files
    return {file.name.removeprefix("supabase/tests/"): file for file in files}


def check_one(dsn: str, root: Path, text: str) -> verdict.ContractFile:
    (found,) = check(dsn, root, {"one.test.sql": text}).values()
    return found


def run(dsn: str, statement: str) -> None:
    with database.connect(dsn) as connection:
        connection.execute(statement.encode())


def left(dsn: str) -> list[str]:
    """Return the names of all relations, functions and schemas outside the catalogs."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "select relnamespace::regnamespace || '.' || relname from pg_class where relnamespace::regnamespace::text"
            " !~ '^pg_' union all select pronamespace::regnamespace || '.' || proname from pg_proc"
            " union all select nspname from pg_namespace where nspname !~ '^pg_(toast_)?temp_'"
            " union all select extname from pg_extension order by 1"
        ).fetchall()
    return [row[0] for row in rows]


@pytest.fixture
def shaped15(server15: embedded.Server) -> Generator[str]:
    """The DSN of a fresh shaped database on PostgreSQL 15, whose pgTAP is the real one."""
    with fix_postgres.fresh_database(server15) as name:
        yield server15.dsn(name)


@LANGUAGES
def test_suite_breaks_and_holds_again(shaped: str, tmp_path: Path, language: str) -> None:
    run(shaped, projects.CREATE_NOTES)
    before = left(shaped)
    healthy = check_one(shaped, tmp_path, language + projects.SUITE)
    assert (healthy.planned, healthy.passed, healthy.failed, healthy.error) == (2, 2, 0, None)

    run(shaped, "create policy open_door on public.notes for select to anon using (true)")
    broken = check_one(shaped, tmp_path, language + projects.SUITE)
    assert (broken.planned, broken.passed, broken.failed, broken.error) == (2, 1, 1, None)
    (failure,) = broken.failures
    line = 5 + language.count("\n")
    assert failure.startswith(
        f"supabase/tests/one.test.sql:{line}: not ok 2 - Table public.notes should have the correct"
    )
    assert "Extra policies:" in failure
    assert "open_door" in failure

    run(shaped, "drop policy open_door on public.notes")
    assert check_one(shaped, tmp_path, language + projects.SUITE) == healthy
    assert left(shaped) == before


@LANGUAGES
def test_real_pgtap_says_the_same(shaped15: str, tmp_path: Path, language: str) -> None:
    run(shaped15, projects.CREATE_NOTES)
    before = left(shaped15)
    found = check_one(shaped15, tmp_path, language + projects.SUITE)
    assert (found.planned, found.passed, found.failed, found.error) == (2, 2, 0, None)
    assert left(shaped15) == before


@LANGUAGES
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{HEAD}select plan(2);\nselect ok(true);\n{FOOT}", "planned 2 tests and ran 1"),
        (f"{HEAD}select plan(1);\nselect ok(true);\nselect ok(true);\n{FOOT}", "planned 1 tests and ran 2"),
        (f"{HEAD}select plan(1);\n{FOOT}", "No tests run!"),
        (f"{HEAD}select plan(0);\n{FOOT}", "No tests run!"),
        (f"{HEAD}select plan(0);\n", "ran no test"),
        (f"{HEAD}select * from no_plan();\n{FOOT}", "No tests run!"),
        (f"{HEAD}select ok(true);\n{FOOT}", "You tried to run a test without a plan"),
        (f"{HEAD}select plan(1);\nselect plan(1);\nselect ok(true);\n{FOOT}", "plan twice"),
        (
            f"{HEAD}select plan(2);\nselect ok(true);\nselect gone();\nselect ok(true);\n{FOOT}",
            "42883 function gone()",
        ),
        (f"{HEAD}select plan(2);\nselect ok(true);\nsyntax error here;\n", "42601 syntax error at or near"),
        (f"{HEAD}select plan(2);\nselect ok(true);\n", "planned 2 tests and ran 1"),
        (f"{HEAD}select 'Bail out! no rows';\n{FOOT}", "bailed out: no rows"),
        ("", "asserts nothing"),
        ("-- later\n", "asserts nothing"),
        ("select 1;\n", "asserts nothing"),
    ],
)
def test_suite_that_says_nothing_or_ends_early_fails(
    shaped: str, tmp_path: Path, language: str, text: str, says: str
) -> None:
    found = check_one(shaped, tmp_path, language + text)
    assert found.error is not None
    assert says in found.error


@LANGUAGES
def test_error_is_named_with_its_place(shaped: str, tmp_path: Path, language: str) -> None:
    found = check_one(
        shaped, tmp_path, f"{language}{HEAD}select plan(1);\nselect\n  ok(gone.x)\nfrom gone;\n{FOOT}"
    )
    line = 6 + language.count("\n")
    assert found.error is not None
    assert found.error.startswith(f"supabase/tests/one.test.sql:{line}")
    assert '42P01 relation "gone" does not exist' in found.error
    assert found.planned == 1


@LANGUAGES
@pytest.mark.parametrize(
    ("body", "passed", "failed"),
    [
        ("select todo('later', 1);\nselect ok(false, 'a');\nselect ok(true, 'b');\n", 2, 0),
        (
            "select todo_start('later');\nselect ok(false, 'a');\nselect todo_end();\nselect ok(false, 'b');\n",
            1,
            1,
        ),
        ("select skip('no server', 2);\n", 2, 0),
        ("select ok(true, 'x') union all select ok(false, 'y');\n", 1, 1),
        ("select collect_tap(ok(true, 'x'), ok(false, 'y'));\n", 1, 1),
        ("select ok(true, e'two\\nlines');\nselect ok(true, 'is not ok in the text');\n", 2, 0),
        ("select ok(true);\nselect ok(null);\n", 1, 1),
        ("savepoint s;\nselect ok(true);\nrollback to s;\nselect ok(true);\n", 2, 0),
    ],
    ids=["todo", "todo block", "skip", "union", "collected", "lines", "null", "rolled back to"],
)
def test_each_result_counts(
    shaped: str, tmp_path: Path, language: str, body: str, passed: int, failed: int
) -> None:
    found = check_one(shaped, tmp_path, f"{language}{HEAD}select plan(2);\n{body}{FOOT}")
    assert (found.planned, found.passed, found.failed, found.error) == (2, passed, failed, None)


@LANGUAGES
@pytest.mark.parametrize(
    ("head", "foot"),
    [
        (HEAD, FOOT),
        ("create extension if not exists pgtap;\n", "select * from finish();\n"),
        ("", "select finish();\n"),
        ("", ""),
        ("begin;\n", "select * from finish();\ncommit;\n"),
        ("begin;\n", "select * from finish();\n"),
        ("create extension pgtap with schema extensions;\nbegin;\n", FOOT + "drop extension pgtap;\n"),
        (
            "create schema tap;\ncreate extension pgtap with schema tap;\nset search_path = public, tap;\n",
            "select * from finish();\n",
        ),
    ],
    ids=[
        "as documented",
        "no block",
        "no extension",
        "no finish",
        "committed",
        "left open",
        "unconditional",
        "elsewhere",
    ],
)
def test_nothing_stays_however_the_suite_begins_and_ends(
    shaped: str, tmp_path: Path, language: str, head: str, foot: str
) -> None:
    before = left(shaped)
    body = "create table public.trace (id int);\nselect has_table('trace'::name);\n"
    found = check(shaped, tmp_path, {"a.sql": f"{language}{head}select plan(1);\n{body}{foot}"})["a.sql"]
    assert (found.planned, found.passed, found.failed, found.error) == (1, 1, 0, None)
    assert left(shaped) == before


def test_one_bad_suite_does_not_taint_the_others(shaped: str, tmp_path: Path) -> None:
    good = f"{HEAD}select plan(1);\nselect is(current_user::text, 'postgres');\n{FOOT}"
    found = check(
        shaped,
        tmp_path,
        {
            "10.sql": good,
            "20.sql": f"{HEAD}set local role anon;\nset search_path = '';\nselect gone();\n",
            "30.sql": good,
            "40.sql": f"{HEAD}select plan(3);\nselect ok(true);\ncreate temporary table t (id int);\n",
            "deeper/50.pg": good,
            "60.sql": f"{HEAD}select plan(1);\ncreate temporary table t (id int);\nselect ok(true);\n{FOOT}",
            "notes.md": "not a suite",
        },
    )
    assert {name: (file.passed, file.error is None) for name, file in found.items()} == {
        "10.sql": (1, True),
        "20.sql": (0, False),
        "30.sql": (1, True),
        "40.sql": (1, False),
        "deeper/50.pg": (1, True),
        "60.sql": (1, True),
    }


@pytest.mark.parametrize("first", ["", "\\set a 1\n"], ids=["plain first", "psql first"])
@pytest.mark.parametrize("second", ["", "\\set a 1\n"], ids=["plain second", "psql second"])
def test_what_one_suite_commits_is_there_for_the_next(
    shaped: str, tmp_path: Path, first: str, second: str
) -> None:
    before = left(shaped)
    helpers = (
        "create schema if not exists tests;\n"
        "create or replace function tests.answer() returns int language sql as 'select 42';\n"
        "begin;\nselect plan(1);\nselect ok(true);\nselect * from finish();\nrollback;\n"
        "begin;\ncreate table tests.gone (id int);\nrollback;\n"
    )
    body = (
        "select plan(2);\nselect is(tests.answer(), 42);\nselect hasnt_table('tests'::name, 'gone'::name);\n"
    )
    user = f"{HEAD}{body}{FOOT}"
    found = check(shaped, tmp_path, {"000-setup.sql": first + helpers, "100-user.sql": second + user})
    assert {name: (file.passed, file.failed, file.error) for name, file in found.items()} == {
        "000-setup.sql": (1, 0, None),
        "100-user.sql": (2, 0, None),
    }
    assert left(shaped) == before


def test_roles_see_what_their_policies_let_them(shaped: str, tmp_path: Path) -> None:
    run(shaped, projects.CREATE_NOTES)
    text = f"""{HEAD}select plan(5);
set local role authenticated;
set local request.jwt.claims = '{{"sub": "00000000-0000-4000-8000-000000000001", "role": "authenticated"}}';
select results_eq('select count(*) from public.notes', array[5::bigint], 'hers');
set local request.jwt.claims = '{{"sub": "00000000-0000-4000-8000-000000000002", "role": "authenticated"}}';
select is_empty('select * from public.notes', 'nobody else''s');
select throws_ok(
    $$ insert into public.notes (owner, body) values ('00000000-0000-4000-8000-000000000001', 'x') $$,
    '42501', 'new row violates row-level security policy for table "notes"'
);
select lives_ok($$ insert into public.notes (body) values ('x') $$);
set local role anon;
select set_eq('select id from public.notes', array[]::bigint[], 'anon sees none');
{FOOT}"""
    assert check_one(shaped, tmp_path, text).failures == ()
    run(shaped, "alter table public.notes disable row level security")
    found = check_one(shaped, tmp_path, text)
    assert (found.passed, found.failed) == (2, 3)


def test_a_compared_table_can_be_emptied_afterwards(shaped: str, tmp_path: Path) -> None:
    run(shaped, projects.CREATE_NOTES)
    compared = "select results_eq('select count(*) from public.notes', 'values (5::bigint)');\n"
    text = f"{HEAD}select plan(2);\n{compared}select lives_ok('truncate public.notes');\n{FOOT}"
    assert check_one(shaped, tmp_path, text).failures == ()


def test_stand_in_is_named_and_says_what_it_lacks(shaped: str, tmp_path: Path) -> None:
    projects.write(tmp_path, migrations={}, tests={"a.sql": f"{HEAD}select * from runtests();\n{FOOT}"})
    found = pgtap.run(project.load(tmp_path), shaped)
    assert found.stand_ins == ("pgtap",)
    assert found.files[0].error is not None
    assert "what stands in for pgTAP on this server lacks it" in found.files[0].error


def test_real_pgtap_is_no_stand_in(shaped15: str, tmp_path: Path) -> None:
    projects.write(tmp_path, migrations={}, tests={"a.sql": projects.SUITE.replace("notes", "users")})
    assert pgtap.run(project.load(tmp_path), shaped15).stand_ins == ()


def test_missing_test_helpers_are_explained(shaped: str, tmp_path: Path) -> None:
    body = "create schema tests;\nselect plan(1);\nselect tests.create_supabase_user('ann');\n"
    text = f"{HEAD}{body}{FOOT}"
    found = check_one(shaped, tmp_path, text)
    assert found.error is not None
    assert "supabase_test_helpers" in found.error


def test_missing_schema_of_test_helpers_is_explained(shaped: str, tmp_path: Path) -> None:
    found = check_one(shaped, tmp_path, f"{HEAD}select plan(1);\nselect tests.rls_enabled('public');\n{FOOT}")
    assert found.error is not None
    assert "3F000" in found.error
    assert "supabase_test_helpers" in found.error


@LANGUAGES
def test_boolean_of_a_call_is_no_assertion_of_a_suite(shaped: str, tmp_path: Path, language: str) -> None:
    run(shaped, "create function public.installed() returns boolean language sql as 'select false'")
    found = check_one(shaped, tmp_path, f"{language}select public.installed();\n")
    assert (found.passed, found.failed) == (0, 0)
    assert found.error is not None
    assert "asserts nothing" in found.error


def test_what_an_earlier_file_left_may_fail_for_a_later_one(shaped: str, tmp_path: Path) -> None:
    suites = {
        "000.sql": f"create table public.notes (id int);\ncreate extension no_such_thing;\n{HEAD}{FOOT}",
        "100.sql": f"\\set a 1\n{HEAD}select plan(1);\nselect ok(true);\n{FOOT}",
    }
    found = check(shaped, tmp_path, suites)
    assert found["000.sql"].error is not None
    assert (found["100.sql"].passed, found["100.sql"].error) == (1, None)


@LANGUAGES
def test_server_without_any_pgtap_still_runs_suites(tmp_path: Path, language: str) -> None:
    with embedded.running(settings={"extension_control_path": "$system"}) as server:
        dsn = server.dsn(user=server.superuser)
        before = left(dsn)
        found = check_one(
            dsn, tmp_path, f"{language}{HEAD}select plan(1);\nselect has_schema('public');\n{FOOT}"
        )
        assert (found.passed, found.failed, found.error) == (1, 0, None)
        assert left(dsn) == before
        dsn = embedded.create_database(server, "plain", template=embedded.EMPTY)
        found = check_one(
            dsn, tmp_path, f"{language}{HEAD}select plan(1);\nselect has_schema('public');\n{FOOT}"
        )
        assert (found.passed, found.failed, found.error) == (1, 0, None)


def test_included_files_and_the_contract_are_no_suites(shaped: str, tmp_path: Path) -> None:
    config = '[project]\ncontract = ["supabase/tests/rls.sql"]\n'
    projects.write(
        tmp_path,
        migrations={},
        config=config,
        tests={
            "rls.sql": "select true;\n",
            "helpers.sql": "select 1;\n",
            "a.sql": f"\\ir helpers.sql\n{HEAD}select plan(1);\nselect ok(true);\n{FOOT}",
        },
    )
    files = pgtap.run(project.load(tmp_path), shaped).files
    assert [(file.name, file.passed, file.error) for file in files] == [("supabase/tests/a.sql", 1, None)]


@pytest.mark.parametrize("name", ["_shared/sizes.sql.raw", "supabase/tests/_shared/sizes.sql.raw"])
def test_an_include_counts_from_the_folder_of_the_tests_or_of_the_project(
    shaped: str, tmp_path: Path, name: str
) -> None:
    suite = f"{HEAD}select plan(1);\n\\i {name}\nselect ok(size() = 3);\n{FOOT}"
    shared = "create function size() returns int language sql return 3;\n"
    projects.write(tmp_path, migrations={}, tests={"deep/a.sql": suite, "_shared/sizes.sql.raw": shared})
    files = pgtap.run(project.load(tmp_path), shaped).files
    assert [(file.name, file.passed, file.error) for file in files] == [
        ("supabase/tests/deep/a.sql", 1, None)
    ]


def test_no_suites_are_no_files(shaped: str, tmp_path: Path) -> None:
    projects.plain(tmp_path)
    assert pgtap.run(project.load(tmp_path), shaped) == verdict.Contract()
