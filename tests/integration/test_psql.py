"""Files in psql's language, through the real psql: one transaction, errors with their place, no open login."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from ops import psql, psql_process
from ops.verdict import Failure

Run = Callable[..., psql.PsqlResult]


@pytest.fixture
def run(shaped: str, tmp_path: Path) -> Run:
    """Write a file of a project and run it; in one transaction unless something else is said."""

    def run(text: str | bytes, *, file: str = "rollbacks/1.sql", **more: object) -> psql.PsqlResult:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        choices: dict[str, object] = {"root": tmp_path, "single_transaction": True, **more}
        return psql.run(path, shaped, **choices)  # pyright: ignore[reportArgumentType]

    return run


def tables(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "select relname from pg_class where relname ~ '^t_' and relkind = 'r' order by 1"
        )
        return [name for (name,) in found]


def place(failure: Failure | None) -> tuple[str | None, int | None, int | None, str | None]:
    assert failure is not None
    return failure.file, failure.line, failure.column, failure.sqlstate


def test_a_script_in_psqls_language_does_what_psql_does(run: Run, shaped: str) -> None:
    text = "\\set name t_one\n\\echo making :name\ncreate table :name (a int);\ncopy :name from stdin;\n1\n2\n\\.\n"
    result = run(f"{text}select count(*) from :name;\n")
    assert result.ok
    assert result.output.split() == ["making", "t_one", "2"]
    assert tables(shaped) == ["t_one"]


@pytest.mark.parametrize(
    ("text", "line", "column", "sqlstate"),
    [
        ("\\set a 1\ncreate table t_a ();\nselect 1;\nselect nope from pg_class;\n", 4, 8, "42703"),
        ("\\set a 1\nselect 1; select\n  'ä漢字', nope\n from pg_class; select 3;\n", 3, 10, "42703"),
        ("\\set a 1\n-- hello\n/* b\n */ select 1,\n\t (2;\n", 5, 5, "42601"),
        (f"\\set a 1\nselect '{'x' * 200}', nope;\n", 2, 212, "42703"),
        ("\\set a 1\n\n-- why\n/* not\n */ do $$\nbegin\n  perform 1/0;\nend $$;\n", 5, None, "22012"),
        (
            "create table t_a (a int);\ncopy t_a (a) from stdin;\n1\ntwo\n3\n\\.\nselect 1;\n",
            4,
            None,
            "22P02",
        ),
        ("select 1;\n\\i nothere.sql\n", 2, None, None),
        ("select 1;\n\\nonsense\n", 2, None, None),
        ("\\set a 1\nselect 'abc\n", 2, 8, "42601"),
        ("\\set VERBOSITY terse\nselect 1;\nselect nope;\n", 3, 8, "42703"),
        ("\\set ON_ERROR_STOP off\nselect nope;\ncreate table t_b ();\n", 2, 8, "42703"),
    ],
)
def test_an_error_has_its_place_and_leaves_nothing(
    run: Run, shaped: str, text: str, line: int, column: int | None, sqlstate: str | None
) -> None:
    result = run(text)
    assert place(result.failure) == ("rollbacks/1.sql", line, column, sqlstate)
    assert tables(shaped) == []


def test_an_error_has_message_hint_detail_and_statement(run: Run) -> None:
    failure = run(
        "do $$ begin\n raise exception using\n"
        " message = 'no', hint = 'do', detail = E'a\\nb', errcode = 'P0777';\nend $$;"
    ).failure
    assert failure is not None
    assert (failure.message, failure.hint, failure.sqlstate) == ("no", "do", "P0777")
    assert (failure.detail or "").startswith("a\nb\nPL/pgSQL function inline_code_block")
    assert (failure.statement or "").startswith("do $$ begin")


def test_what_a_file_includes_is_found_and_named(run: Run, shaped: str, tmp_path: Path) -> None:
    (tmp_path / "rollbacks" / "it's").mkdir(parents=True)
    (tmp_path / "rollbacks" / "it's" / "part.sql").write_text("create table t_part ();\nselect nope;\n")
    (tmp_path / "top.sql").write_text("create table t_top ();\n")
    result = run("\\set d 'it''s'\n\\i top.sql\n\\ir :d/part.sql\n")
    assert place(result.failure) == ("rollbacks/it's/part.sql", 2, 8, "42703")
    assert tables(shaped) == []


def test_what_comes_after_commits_with_the_file_or_not_at_all(run: Run, shaped: str) -> None:
    after = "create table public.t_after ()"
    assert not run("create table t_a ();\n\\set a 1\nselect 1/0;\n", after=after).ok
    assert tables(shaped) == []
    assert not run("create table t_a ();\n\\set a 1\n", after="select 1/0").ok
    assert tables(shaped) == []
    assert run("create table t_a ();\n\\set a 1\n", after=after).ok
    assert tables(shaped) == ["t_a", "t_after"]


def test_a_files_own_begin_and_commit_give_way(run: Run, shaped: str) -> None:
    text = "BEGIN;\ncreate table t_a ();\nCOMMIT;\n\\echo done\n"
    assert place(run(f"{text}select nope;\n").failure)[1:3] == (5, 8)
    assert tables(shaped) == []
    assert run(text).ok
    assert tables(shaped) == ["t_a"]


@pytest.mark.parametrize(
    "text",
    [
        "\\set q commit\n:q;\nbegin;\n",
        "\\connect -\n",
        "select 'commit' \\gexec\n",
        "\\set a 1\nrollback;\n",
    ],
)
def test_a_file_that_leaves_its_transaction_is_found_out(run: Run, shaped: str, text: str) -> None:
    result = run(text, after="create table public.t_after ()")
    assert result.failure is not None
    assert result.failure.sqlstate == "2D000"
    assert "leaves the transaction" in result.failure.message
    assert place(result.failure)[:3] == ("rollbacks/1.sql", None, None)
    assert tables(shaped) == []


def test_what_a_file_leaves_in_its_session_is_not_there_for_what_comes_after(run: Run, shaped: str) -> None:
    text = "\\set AUTOCOMMIT off\n\\set ON_ERROR_STOP off\nset role anon;\nset search_path = nowhere;\n"
    assert run(text, after="create table public.t_after ()").ok
    assert tables(shaped) == ["t_after"]


def test_a_deferred_constraint_is_checked_before_what_comes_after(run: Run, shaped: str) -> None:
    result = run(
        "create table t_a (a int unique deferrable initially deferred);\n\\set a 1\n"
        "insert into t_a values (:a), (:a);\n",
        after="create table public.t_after ()",
    )
    assert place(result.failure) == ("rollbacks/1.sql", None, None, "23505")
    assert tables(shaped) == []


def test_what_cannot_be_in_a_transaction_runs_outside_one(run: Run, shaped: str) -> None:
    text = "create table t_a (a int);\n\\set i t_i\ncreate index concurrently :i on t_a (a);\n"
    assert place(run(text).failure)[1:] == (3, None, "25001")
    assert run(text, single_transaction=False, after="create table public.t_after ()").ok
    assert tables(shaped) == ["t_a", "t_after"]


def test_a_file_that_is_no_text_is_a_failure(run: Run) -> None:
    failure = run(b"\\echo \xff\n").failure
    assert failure is not None
    assert "is not UTF-8" in failure.message
    assert failure.file == "rollbacks/1.sql"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(run: Run, shaped: str) -> None:
    assert run(b"\xef\xbb\xbf\\set a t_a\r\ncreate table :a ();\r\n").ok
    assert tables(shaped) == ["t_a"]


def test_a_file_that_does_not_end_is_stopped_and_its_query_cancelled(
    run: Run, shaped: str, shaped_admin: str
) -> None:
    result = run("\\echo :x\nselect pg_sleep(100);\n", timeout=timedelta(seconds=1))
    assert result.failure is not None
    assert "did not end within 1 s" in result.failure.message
    with psycopg.connect(shaped_admin, autocommit=True) as connection:
        sleeping = (
            "select count(*) from pg_stat_activity where query ~ 'pg_sleep' and pid <> pg_backend_pid()"
        )
        assert connection.execute(sleeping).fetchone() == (0,)


def test_a_question_gets_no_answer_and_nobody_waits(run: Run) -> None:
    failure = run("\\prompt 'name? ' name\nselect 1;\n").failure
    assert place(failure) == ("rollbacks/1.sql", 1, None, None)


def test_a_lost_connection_is_told_from_an_error(run: Run) -> None:
    result = run("\\set a 1\nselect pg_terminate_backend(pg_backend_pid());\n")
    assert result.lost
    assert not result.ok
    assert not run("\\set a 1\nselect 1/0;\n").lost


def test_nobody_answers(tmp_path: Path) -> None:
    path = tmp_path / "a.sql"
    path.write_text("\\echo\n")
    result = psql.run(path, "postgresql://postgres@127.0.0.1:1/x", root=tmp_path, single_transaction=True)
    assert result.lost
    assert "refused" in (result.failure.message if result.failure else "")


@pytest.mark.parametrize("dsn", ["url", "conninfo"])
def test_nothing_of_a_login_stands_on_the_command_line(tmp_path: Path, dsn: str) -> None:
    program = tmp_path / "psql"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"; env\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    password = "p@ss w'rd\\%/"
    texts = {
        "url": "postgresql://me:p%40ss%20w'rd%5C%25%2F@db.example:6543/shop?sslmode=require&keepalives=1",
        "conninfo": "host=db.example port=6543 user=me dbname=shop sslmode=require keepalives=1 "
        r"password='p@ss w\'rd\\%/'",
    }
    done = psql_process.call(
        ["-c", "x"], texts[dsn], cwd=tmp_path, bindir=tmp_path, timeout=timedelta(seconds=9)
    )
    arguments, _, rest = done.output.partition("x\n")
    assert arguments.split() == ["-X", "-w", "-d", "keepalives=1", "-c"]
    expected = {"PGHOST=db.example", "PGPORT=6543", "PGUSER=me", "PGDATABASE=shop", "PGSSLMODE=require"}
    assert expected <= set(rest.splitlines())
    assert password not in arguments
    assert "PGPASSWORD=" in rest
