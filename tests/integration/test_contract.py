"""The SQL contract on a real database: what counts as an assertion, what fails, and that all of it is undone."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from ops import contract, database, project, verdict
from tests import projects

# The same file by psycopg, and by psql as soon as it uses psql's own language.
LANGUAGES = pytest.mark.parametrize("language", ["", "\\set who 'anon'\n"], ids=["plain", "psql"])


def check(dsn: str, root: Path, text: str, **files: str) -> verdict.ContractFile:
    """Run one contract and return its result."""
    more = {f"supabase/{name}.sql": body for name, body in files.items()}
    projects.write(root, migrations={}, contract=text, files=more)
    result = contract.check(dsn, project.load(root))
    assert result.missing is None
    (found,) = result.files
    return found


def run(dsn: str, statement: str) -> None:
    with database.connect(dsn) as connection:
        connection.execute(statement.encode())


@LANGUAGES
def test_assertion_breaks_and_holds_again(shaped: str, tmp_path: Path, language: str) -> None:
    run(shaped, projects.CREATE_NOTES)
    healthy = check(shaped, tmp_path, language + projects.CONTRACT)
    assert (healthy.passed, healthy.failed, healthy.error) == (2, 0, None)

    run(shaped, "alter table public.notes disable row level security")
    broken = check(shaped, tmp_path, language + projects.CONTRACT)
    assert (broken.passed, broken.failed) == (1, 1)
    line = 1 + language.count("\n")
    assert broken.failures == (f"supabase/rls_tests.sql:{line}: public.notes has RLS: ok is false",)

    run(shaped, "alter table public.notes enable row level security")
    assert check(shaped, tmp_path, language + projects.CONTRACT) == healthy


@LANGUAGES
def test_failed_block_is_named_with_its_place(shaped: str, tmp_path: Path, language: str) -> None:
    run(shaped, projects.CREATE_NOTES)
    run(shaped, 'drop policy "owners manage their notes" on public.notes')
    found = check(shaped, tmp_path, language + projects.CONTRACT)
    line = 3 + language.count("\n")
    assert found.failed == 1
    assert found.error is not None
    assert found.error.startswith(f"supabase/rls_tests.sql:{line}")
    assert "P0004 public.notes: one policy" in found.error


@LANGUAGES
def test_error_fails_and_the_rest_still_runs(shaped: str, tmp_path: Path, language: str) -> None:
    found = check(
        shaped,
        tmp_path,
        f"{language}select 1 = 1 as ok;\nselect\n  gone.x\nfrom gone;\nselect true as later;\n",
    )
    assert (found.passed, found.failed) == (2, 1)
    line = 4 + language.count("\n")
    assert found.error is not None
    assert found.error.startswith(f"supabase/rls_tests.sql:{line}")
    assert '42P01 relation "gone" does not exist' in found.error


@LANGUAGES
@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ("select true", True),
        ("select 'f'::boolean", False),
        ("select null::boolean as ok", False),
        (
            "select 'anon reads nothing' as test, (select relrowsecurity from pg_class where relname = 'gone') as ok",
            False,
        ),
        ("select 'ok 1 - anon reads nothing'", True),
        ("select 'not ok 1 - anon reads nothing'", False),
        ("select 'PASS: anon reads nothing'", True),
        ("select 'FAIL: anon reads nothing'", False),
        ("select 'anon reads nothing' as test, 'FAILED' as status", False),
        ("select case when 1 = 1 then '✅ closed' else '❌ open' end", True),
        ("select case when 1 = 2 then '✅ closed' else '❌ open' end", False),
        ("select 'first' || chr(10) || 'not ok 2 - second'", False),
        ("do $$ begin raise notice 'PASS: closed'; end $$", True),
        ("do $$ begin raise warning 'FAIL: open'; end $$", False),
        ("do $$ begin if 1 = 2 then raise exception 'open'; end if; end $$", True),
        ("do $$ begin assert 1 = 2, 'open'; end $$", False),
        ("values ('anon', true), ('authenticated', false)", False),
        ("with t as (select false as ok) select * from t", False),
    ],
)
def test_every_form_of_an_assertion_counts(
    shaped: str, tmp_path: Path, language: str, said: str, holds: bool
) -> None:
    found = check(shaped, tmp_path, f"{language}{said};\n")
    assert (found.failed == 0 and found.error is None) is holds, found
    assert found.passed > 0 if holds else found.failed > 0


@LANGUAGES
@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- nothing yet\n",
        "select 1;\n",
        "select tablename from pg_tables limit 2;\n",
        "do $$ begin perform 1; end $$;\n",
        "select true as ok where false;\n",
        "create table gone (id int);\n",
    ],
    ids=["empty", "comments", "a number", "names", "a block that cannot fail", "no row", "no select"],
)
def test_nothing_asserted_fails(shaped: str, tmp_path: Path, language: str, text: str) -> None:
    found = check(shaped, tmp_path, language + text)
    assert found.passed == 0
    assert found.error is not None
    assert "asserts nothing" in found.error


@LANGUAGES
def test_schema_and_table_are_named(shaped: str, tmp_path: Path, language: str) -> None:
    run(shaped, "create table public.open_door (id int)")
    text = "select schemaname, tablename, rowsecurity from pg_tables where schemaname = 'public';\n"
    found = check(shaped, tmp_path, language + text)
    line = 1 + language.count("\n")
    assert found.failures == (f"supabase/rls_tests.sql:{line}: public.open_door: rowsecurity is false",)


@LANGUAGES
def test_swallowed_error_is_no_assertion(shaped: str, tmp_path: Path, language: str) -> None:
    text = "do $$ begin raise exception 'open'; exception when others then null; end $$;\n"
    found = check(shaped, tmp_path, language + text)
    assert found.error is not None
    assert "asserts nothing" in found.error


TRACES = """\
create table public.trace (id int);
insert into public.trace values (1);
create schema traces;
create policy traced on public.notes for select to anon using (true);
update public.notes set body = 'changed';
select true as ok;
"""


@LANGUAGES
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("begin;\n", "rollback;\n"),
        ("begin;\n", "commit;\n"),
        ("begin;\n", ""),
        ("", "commit;\n"),
        ("commit;\nbegin;\n", "commit and chain;\ncommit;\n"),
        ("start transaction;\n", "end;\n"),
    ],
    ids=["none", "rolled back", "committed", "left open", "commit alone", "chained", "start and end"],
)
def test_nothing_stays(shaped: str, tmp_path: Path, language: str, before: str, after: str) -> None:
    run(shaped, projects.CREATE_NOTES)
    found = check(shaped, tmp_path, f"{language}{before}{TRACES}{after}")
    assert (found.passed, found.failed, found.error) == (1, 0, None)
    assert traces(shaped) == (False, False, 1, 0)


def traces(dsn: str) -> tuple[object, ...]:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "select to_regclass('public.trace') is not null, to_regnamespace('traces') is not null,"
            " (select count(*) from pg_policies where tablename = 'notes'),"
            " (select count(*) from public.notes where body = 'changed')"
        ).fetchone()
    return row or ()


@LANGUAGES
def test_file_sees_what_it_did_before(shaped: str, tmp_path: Path, language: str) -> None:
    text = (
        "begin;\ncreate table public.t (id int);\ncommit;\nbegin;\ninsert into public.t values (1);\nrollback;\n"
        "select count(*) = 0 as rolled_back from public.t;\n"
    )
    found = check(shaped, tmp_path, language + text)
    assert (found.passed, found.failed, found.error) == (1, 0, None)


@LANGUAGES
def test_role_of_one_statement_is_that_of_the_next(shaped: str, tmp_path: Path, language: str) -> None:
    run(shaped, projects.CREATE_NOTES)
    text = (
        "select current_user = 'postgres' as starts_as_postgres;\nbegin;\nset local role anon;\n"
        "select count(*) = 0 as anon_sees_none from public.notes;\nrollback;\n"
        "select count(*) = 5 as postgres_sees_all from public.notes;\n"
    )
    found = check(shaped, tmp_path, language + text)
    assert (found.passed, found.failed, found.error) == (3, 0, None)


def test_psql_includes_are_run_named_and_undone(shaped: str, tmp_path: Path) -> None:
    found = check(
        shaped,
        tmp_path,
        "\\i supabase/first.sql\n\\ir second.sql\n",
        first="begin;\ncreate table public.trace (id int);\ncommit;\n",
        second="\n\nselect to_regclass('public.trace') is not null as there;\nselect false as second_fails;\n",
    )
    assert (found.passed, found.failed) == (1, 1)
    assert found.failures == ("supabase/second.sql:4: second_fails is false",)
    with psycopg.connect(shaped) as connection:
        assert connection.execute("select to_regclass('public.trace')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\\i supabase/gone.sql\n", "/supabase/gone.sql: No such file or directory"),
        ("\\ir ../gone.sql\n", "/gone.sql: No such file or directory"),
        ("\\i :folder/x.sql\n", "only psql's variables know"),
        ("\\i supabase/rls_tests.sql\n", "includes itself"),
        ("\\nonsense\n", "invalid command \\nonsense"),
    ],
    ids=["absent", "absent beside", "hidden", "itself", "unknown command"],
)
def test_psql_mistakes_fail(shaped: str, tmp_path: Path, text: str, says: str) -> None:
    found = check(shaped, tmp_path, f"{text}select true as ok;\n")
    assert found.error is not None
    assert says in found.error
    assert "runbooks-contract-" not in found.error


def test_psql_stops_where_the_file_says_so(shaped: str, tmp_path: Path) -> None:
    text = "\\set ON_ERROR_STOP on\nselect true as first;\nselect gone;\nselect true as second;\n"
    found = check(shaped, tmp_path, text)
    assert (found.passed, found.failed) == (1, 1)


def test_psql_output_is_read_however_it_is_set(shaped: str, tmp_path: Path) -> None:
    text = (
        "\\pset format aligned\n\\x\n\\t off\n\\pset null '(none)'\n\\set who 'a|b'\n"
        "select :'who' as test, false as ok;\nselect true as held \\gset\nselect 'x' as a\n;\n\\if false\n"
        "do $$ begin assert true; end $$;\n\\endif\ndo $$ begin assert true; end $$; select true as same_line;\n"
    )
    found = check(shaped, tmp_path, text)
    assert found.failures == ("supabase/rls_tests.sql:6: a|b: ok is false",)
    assert found.passed == 2


def test_unreadable_contract_fails(shaped: str, tmp_path: Path) -> None:
    projects.write(
        tmp_path, migrations={}, files={"supabase/rls_tests.sql": "select 'é' = 'é';".encode("latin-1")}
    )
    (found,) = contract.check(shaped, project.load(tmp_path)).files
    assert found.error is not None
    assert "not UTF-8" in found.error


def test_missing_contract_is_said(shaped: str, tmp_path: Path) -> None:
    projects.plain(tmp_path)
    found = contract.check(shaped, project.load(tmp_path))
    assert found.files == ()
    assert found.missing is not None
    assert "no contract file supabase/rls_tests.sql" in found.missing


def test_project_may_say_that_it_has_none(shaped: str, tmp_path: Path) -> None:
    projects.write(tmp_path, migrations={}, config="[project]\ncontract = []\n")
    found = contract.check(shaped, project.load(tmp_path))
    assert (found.files, found.missing) == ((), None)


def test_one_of_two_named_files_is_missing(shaped: str, tmp_path: Path) -> None:
    config = '[project]\ncontract = ["supabase/a.sql", "supabase/b.sql"]\n'
    projects.write(tmp_path, migrations={}, config=config, files={"supabase/a.sql": "select true as ok;\n"})
    found = contract.check(shaped, project.load(tmp_path))
    assert [file.name for file in found.files] == ["supabase/a.sql"]
    assert found.missing is not None
    assert "supabase/b.sql" in found.missing
    assert "supabase/a.sql" not in found.missing
