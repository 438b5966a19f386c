"""Which statements are on a write path, whatever they look like otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.soak_functions import Function, sorted_out
from ops.soak_paths import Failed, Paths

PATHS = Paths(
    relations=frozenset({"notes", "Odd Name"}),
    constraints=frozenset({"notes_pkey"}),
    functions=frozenset({"save"}),
    opaque=frozenset({"anything"}),
)
CASES = st.sampled_from([str.lower, str.upper, str.title])
GAPS = st.sampled_from([" ", "\n", "\t", " /* why */ ", " -- why\n"])
SCHEMAS = st.sampled_from(["", "public.", '"public".', "PUBLIC ."])
WRITES = st.sampled_from(
    ["insert into {} values (1)", "update {} set a = 1", "delete from {}", "merge into {} using x"]
)
OTHERS = st.sampled_from(["others", "notes_archive", "old_notes", "notes2", "note"])


def of(statement: str, **more: str) -> str:
    return PATHS.of(
        Failed(severity="ERROR", state="22012", message="division by zero", statement=statement, **more)
    )


@given(write=WRITES, case=CASES, gap=GAPS, schema=SCHEMAS)
def test_a_write_is_on_the_path_however_it_is_written(
    write: str, case: Callable[[str], str], gap: str, schema: str
):
    statement = gap.join(case(write).format(schema + case("notes")).split(" "))
    assert of(statement) == "on"
    assert (
        of("select f()", context=f'SQL statement "{statement}"\nPL/pgSQL function f() line 1 at EXECUTE')
        == "on"
    )
    assert of("select f()", internal_query=statement) == "on"


@given(write=WRITES, other=OTHERS)
def test_a_write_to_another_table_is_not(write: str, other: str):
    assert of(write.format(other)) == "off"


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        ('insert into "Odd Name" values (1)', "on"),
        ("select save (1)", "on"),
        ("select save from others", "off"),
        ("select unsave(1)", "off"),
        ("select anything(1)", "unknown"),
        ("begin; execute p(1); commit", "unknown"),
        ("/* execute */ select 1", "off"),
        ("select 'a; execute b'", "off"),
        ("do $$ begin perform 1 / 0; end $$", "off"),
        ("do $$ begin execute 'select ' || 1 / 0; end $$", "unknown"),
        ("", "unknown"),
        ("  commit  ", "unknown"),
    ],
)
def test_what_a_statement_tells(statement: str, path: str):
    assert of(statement) == path


def test_a_message_that_names_a_constraint_is_enough():
    failed = Failed(
        "ERROR", "23505", 'duplicate key value violates unique constraint "notes_pkey"', "execute p(1)"
    )
    assert PATHS.of(failed) == "on"


def function(schema: str, name: str, body: str, arguments: str = "text") -> Function:
    return Function(name, "plpgsql", body, schema, arguments)


ALIKE = sorted_out(
    [
        function("public", "keep", "insert into notes"),
        function("other", "keep", "null"),
        function("public", "one", "perform public.keep(a)"),
        function("public", "two", "perform other.keep(a)"),
        function("public", "three", "perform keep(a)"),
    ],
    frozenset({"notes"}),
)
NAMESAKES = Paths(
    relations=frozenset({"notes"}),
    functions=ALIKE.writing,
    opaque=ALIKE.opaque,
    namesakes=ALIKE.namesakes,
)


def test_a_caller_is_on_the_path_of_the_namesake_that_it_names():
    assert (ALIKE.writing, ALIKE.opaque) == ({"keep", "one"}, {"three"})


@pytest.mark.parametrize(
    ("statement", "context", "path"),
    [
        ("select public.keep('a')", "", "on"),
        ("select other.keep('a')", "", "off"),
        ('select * from "other" . "keep"($1)', 'SQL function "keep" statement 1', "off"),
        ("select keep('a')", "", "unknown"),
        ("select keep('a')", "PL/pgSQL function keep(text) line 3 at PERFORM", "unknown"),
        ("select keep('a')", "PL/pgSQL function other.keep(text) line 3 at PERFORM", "off"),
        ("select keep('a')", "PL/pgSQL function public.keep(text) line 3 at PERFORM", "on"),
        ("select other.keep('a'), keep('b')", 'SQL function "keep" statement 1', "unknown"),
        ("select x()", "PL/pgSQL function other.keep(text) line 3\nPL/pgSQL function x() line 1", "off"),
        ("select three('a')", "", "unknown"),
    ],
)
def test_one_of_two_functions_of_a_name_is_told_by_its_schema_or_said_to_be_either(
    statement: str, context: str, path: str
):
    failed = Failed("ERROR", "22012", "division by zero", statement, context=context)
    assert NAMESAKES.of(failed) == path


@given(st.text(), st.text(), st.text(), st.text())
def test_no_line_is_too_odd(message: str, statement: str, internal: str, context: str):
    assert PATHS.of(Failed("ERROR", "22012", message, statement, internal, context)) in (
        "on",
        "off",
        "unknown",
    )
