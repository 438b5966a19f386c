"""Verification scripts and smoke SQL: found, run as they are meant, judged, and undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import database, errors, project, verdict, verification
from tests import projects

ANNOUNCED = "create table public.jobs (id int, done boolean); insert into jobs values (1, true), (2, true);"


@pytest.fixture
def jobs(shaped: str) -> str:
    with database.connect(shaped) as connection:
        connection.execute(ANNOUNCED.encode())
    return shaped


def ran(root: Path, dsn: str, **files: str) -> list[verdict.ContractFile]:
    """Write verification scripts by name and run them."""
    written = {f"supabase/verify/{name}.sql": text for name, text in files.items()}
    found = project.load(projects.write(root, migrations={}, files=written))
    paths, missing = verification.find(found)
    assert missing == ()
    return list(verification.run(found, paths, dsn))


HOLDS = {
    "a boolean": "select count(*) = 2 as two_jobs from public.jobs;",
    "words": "select case when bool_and(done) then 'PASS' else 'FAIL' end from public.jobs;",
    "a block": "do $$ begin if (select count(*) from jobs) <> 2 then raise exception 'jobs'; end if; end $$;",
    "only rows": "select * from public.jobs; select id, j.done from public.jobs j; select 'failed' as s into t1;"
    " select * from t1;",
    "only rows in psql": "\\set x 1\nselect * from public.jobs;\n",
    "a named column": "select id, done as finished from public.jobs;",
    "a column of a verdict's name": "select * from (select id = 1 or not exists (select from jobs j where not j.done)"
    " as ok, id from jobs union all select count(*) = 2, 0 from jobs) t;",
    "tap of a function": "create function pg_temp.t() returns setof text language sql as"
    " $$ select case when count(*) = 2 then 'ok 1' else 'not ok 1' end from jobs $$; select * from pg_temp.t();",
    "psql": "\\set wanted 2\nselect count(*) = :wanted as two_jobs from public.jobs;\n\\echo done\n",
    "psql's condition": (
        "select count(*) <> 2 as wrong from public.jobs \\gset\n"
        "\\if :wrong\n\\echo 'FAIL: jobs are missing'\n\\else\n\\echo 'ok'\n\\endif\n"
    ),
    "nothing": "-- nothing yet\n",
}
SILENT = {"only rows", "only rows in psql", "nothing"}
BROKEN = "delete from public.jobs where id = 2; update public.jobs set done = false;"


@pytest.mark.parametrize("form", HOLDS)
def test_a_script_holds_and_breaks_and_holds_again(jobs: str, tmp_path: Path, form: str) -> None:
    (held,) = ran(tmp_path, jobs, check=HOLDS[form])
    assert not verification.fails(held)
    with database.connect(jobs) as connection:
        connection.execute(BROKEN.encode())
        (broken,) = ran(tmp_path, jobs, check=HOLDS[form])
        # Rows alone say nothing: what is wrong must be said.
        assert verification.fails(broken) is (form not in SILENT), broken
        connection.execute("truncate jobs; insert into jobs values (1, true), (2, true)")
    (again,) = ran(tmp_path, jobs, check=HOLDS[form])
    assert again == held


WRONG = {
    "an error": ("select 1;\nselect * from public.labels;\n", ":2:15 42P01"),
    "a null": (
        "select (select done from public.jobs where id = 9) as done;\n",
        "NULL, neither true nor false",
    ),
    "a notice": ("do $$ begin raise notice 'FAIL: 1 job is lost'; end $$;\n", "1 job is lost"),
    "tap": ("select 'not ok 1 - jobs';\n", "jobs"),
    "psql's own error": ("\\set x 1\nselect * from public.labels;\n", "42P01"),
    "a file that is not there": ("\\i supabase/verify/parts/gone.sql\n", "gone.sql"),
}


@pytest.mark.parametrize("form", WRONG)
def test_what_is_wrong_is_said_with_its_place(jobs: str, tmp_path: Path, form: str) -> None:
    text, said = WRONG[form]
    (found,) = ran(tmp_path, jobs, check=text)
    assert verification.fails(found)
    assert said in " ".join((found.error or "", *found.failures))


@pytest.mark.parametrize("language", ["", "\\set x 1\n"], ids=["sql", "psql"])
def test_what_a_script_changes_is_undone_even_where_it_commits(
    jobs: str, tmp_path: Path, language: str
) -> None:
    text = f"{language}begin;\ndelete from public.jobs;\ncreate table public.left_behind (id int);\ncommit;\n"
    (found,) = ran(tmp_path, jobs, check=text)
    assert not verification.fails(found)
    with database.connect(jobs) as connection:
        seen = "select count(*), to_regclass('public.left_behind') from public.jobs"
        assert connection.execute(seen).fetchall() == [(2, None)]


def test_the_conventional_places_and_no_file_that_others_include(tmp_path: Path) -> None:
    files = {
        "supabase/verify/b.sql": "\\ir deep/part.sql\n",
        "supabase/verify/deep/part.sql": "select 1;",
        "supabase/verify/deep/a.sql": "select 1;",
        "supabase/verify/notes.md": "no script",
        "scripts/smoke.sql": "select 1;",
        "scripts/other.sql": "drop schema public cascade;",
    }
    found = project.load(projects.write(tmp_path, migrations={}, files=files))
    names = [path.as_posix() for path in verification.find(found)[0]]
    assert names == ["supabase/verify/b.sql", "supabase/verify/deep/a.sql", "scripts/smoke.sql"]


def test_a_configured_glob_that_nothing_matches_is_missing_and_a_conventional_one_is_not(
    tmp_path: Path,
) -> None:
    projects.write(tmp_path, migrations={}, files={"checks/a.sql": "select 1;"})
    assert verification.find(project.load(tmp_path)) == ((), ())
    (tmp_path / "runbooks.toml").write_text(
        '[pull_request]\nverify = ["checks/*.sql", "verfy/*.sql"]\nsmoke = []\n'
    )
    paths, missing = verification.find(project.load(tmp_path))
    assert [path.as_posix() for path in paths] == ["checks/a.sql"]
    assert missing == ("verfy/*.sql",)


@pytest.mark.parametrize("glob", ["/etc/*.sql", "../other/*.sql", ""])
def test_a_glob_that_leaves_the_project_is_refused(tmp_path: Path, glob: str) -> None:
    projects.write(tmp_path, migrations={}, config=f'[pull_request]\nverify = ["{glob}"]\n')
    with pytest.raises(errors.Refused, match=r"runbooks\.toml:2: pull_request\.verify"):
        project.load(tmp_path)
