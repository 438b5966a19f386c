"""A file's statements with their places, and the units in which they run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import statements
from ops.nature import Nature


def units(text: str) -> list[tuple[bool, list[str]]]:
    script = statements.parse(text)
    return [(unit.transactional, [statement.text for statement in unit.statements]) for unit in script.units]


def test_a_statement_has_its_place_and_kind() -> None:
    script = statements.parse("-- é\n/* 漢 */ select 1;\r\n\n\tcreate table a (b int)\n;\n")
    assert [(s.text, s.line, s.column, s.kind) for s in script.statements] == [
        ("select 1", 2, 9, "select_stmt"),
        ("create table a (b int)", 4, 2, "create_stmt"),
    ]
    assert all(script.text[s.offset :].startswith(s.text) for s in script.statements)


def test_a_file_is_one_transaction() -> None:
    assert units("select 1; select 2;") == [(True, ["select 1", "select 2"])]
    assert units("begin; select 1; commit;") == [(True, ["select 1"])]
    assert statements.parse("begin; select 1; commit;").transactional


@pytest.mark.parametrize(
    "text",
    [
        "create index concurrently i on a (b)",
        "drop index concurrently i",
        "reindex index concurrently i",
        "reindex (concurrently) table a",
        "reindex schema public",
        "vacuum",
        "vacuum (analyze) a",
        "alter table a detach partition b concurrently",
        "cluster",
        "discard all",
        "create database a",
        "alter system set work_mem = '1MB'",
        "alter database a set tablespace b",
        "create subscription a connection '' publication b",
        "commit prepared 'a'",
        "do $$ begin commit; end $$",
        "do $$ begin if true then rollback; end if; end $$",
    ],
)
def test_what_must_stand_outside_is_a_unit_of_its_own(text: str) -> None:
    assert units(f"select 1; {text}; select 2; select 3;") == [
        (True, ["select 1"]),
        (False, [text]),
        (True, ["select 2"]),
        (True, ["select 3"]),
    ]
    assert not statements.parse(text).transactional


@pytest.mark.parametrize(
    "text",
    [
        "create index i on a (b)",
        "refresh materialized view concurrently a",
        "reindex (concurrently off) table a",
        "analyze a",
        "cluster a using b",
        "discard temp",
        "create subscription a connection '' publication b with (connect = false)",
        "do $$ begin perform 'commit'; end $$",
        "do $$ declare commit_at int; begin -- commit\n null; end $$",
        "create procedure p() language plpgsql as $$ begin commit; end $$",
        "select 'vacuum'",
        "savepoint a",
        "call p()",
    ],
)
def test_what_may_be_in_a_transaction_is(text: str) -> None:
    assert statements.parse(f"select 1; {text};").transactional


def test_a_new_enum_value_ends_its_transaction_only_where_it_is_used() -> None:
    add = "alter type mood add value 'b'"
    assert units(f"{add}; select 1;") == [(True, [add, "select 1"])]
    assert units(f"{add}; select 'b'::mood;") == [(True, [add]), (True, ["select 'b'::mood"])]


def test_two_transactions_of_a_file_are_two_units() -> None:
    text = "begin; select 1; commit; begin; select 2; commit; select 3;"
    assert units(text) == [(True, ["select 1"]), (True, ["select 2"]), (True, ["select 3"])]


def test_one_by_one_puts_outside_whatever_may_commit() -> None:
    script = statements.parse("select 1; call p(); do $$ begin end $$; reindex table a;")
    assert [unit.transactional for unit in statements.one_by_one(script)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("", "holds no statement"),
        ("-- only this\n", "holds no statement"),
        ("select 1;\r\n", "CRLF"),
        ("select 1;", "does not end with a newline"),
    ],
)
def test_what_is_odd_is_a_finding(text: str, finding: str) -> None:
    assert any(finding in said for said in statements.parse(text).findings)


def test_a_sound_file_has_no_finding() -> None:
    assert statements.parse("select 1;\n").findings == ()


def test_a_broken_file_still_has_its_statements() -> None:
    script = statements.parse("select 1;\ncreate tabel a;\nvacuum a;\ncreate index concurrently i on a (b;\n")
    assert script.parse_error is not None
    assert [(s.line, s.kind, s.nature) for s in script.statements] == [
        (1, "select_stmt", Nature.ORDINARY),
        (2, "", Nature.ORDINARY),
        (3, "vacuum_stmt", Nature.ALONE),
        (4, "", Nature.ALONE),
    ]


def test_psqls_language_is_set_aside() -> None:
    script = statements.parse("\\set a 1\nselect :a;\n\\echo done\nselect 2;\n")
    assert [(s.text, s.line, s.kind) for s in script.statements] == [
        ("select :a", 2, "select_stmt"),
        ("select 2", 4, "select_stmt"),
    ]
    assert [(c.text, c.line) for c in script.meta_commands] == [
        ("\\set a 1", 1),
        (":a", 2),
        ("\\echo done", 3),
    ]
    assert script.parse_error is None


def test_an_error_has_its_place() -> None:
    script = statements.parse("select 'é';\nselect 'Let\\'s go', 'I\\'m';\n")
    assert script.parse_error == 'syntax error at or near "go"'
    assert script.error_at is not None
    assert (script.error_at.line, script.error_at.column) == (2, 16)


def test_a_deep_statement_is_read_without_the_parsers_tree() -> None:
    text = f"select 1;\nselect {'(' * 900}1{')' * 900};\n"
    assert [s.line for s in statements.parse(text).statements] == [1, 2]


def test_many_statements_are_read_in_time_that_grows_with_them() -> None:
    script = statements.parse("insert into a values ('é', 1);\n" * 20_000)
    assert script.statements[-1].line == 20_000


@given(st.text(max_size=80))
def test_no_text_makes_it_fail(text: str) -> None:
    script = statements.parse(text)
    for statement in (*script.statements, *script.meta_commands):
        assert script.text[statement.offset :].startswith(statement.text)
        assert statements.position(text, statement.offset) == (statement.line, statement.column)
    run = [statement for unit in script.units for statement in unit.statements]
    assert len(run) <= len(script.statements)
