"""Which statements are on a write path, whatever they look like otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(st.text(), st.text(), st.text(), st.text())
def test_no_line_is_too_odd(message: str, statement: str, internal: str, context: str):
    assert PATHS.of(Failed("ERROR", "22012", message, statement, internal, context)) in (
        "on",
        "off",
        "unknown",
    )
