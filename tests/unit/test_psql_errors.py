"""What psql says on its standard error is read back as a failure with its place."""

from __future__ import annotations

import pytest

from ops import psql_errors
from ops.verdict import Failure

FILE = [
    "select 1;",
    "\tselect 'ä漢字', nope,",
    f"  '{'x' * 90}', other from t; select 2;",
    "copy t (a) from stdin;",
    "1",
    "two",
    "\\.",
]


def read(said: str) -> Failure | None:
    return psql_errors.read(said, lambda name: FILE if name == "a.sql" else ())


def place(failure: Failure | None) -> tuple[int | None, int | None]:
    assert failure is not None
    return failure.line, failure.column


def error(line: int, text: str, *more: str) -> str:
    return "\n".join((f"psql:a.sql:{line}: ERROR:  42703: {text}", *more))


def test_nothing_said_is_no_failure() -> None:
    assert read("") is None
    assert read("hello from \\warn\n") is None
    assert read("psql:a.sql:1: NOTICE:  00000: relation exists\nLOCATION:  f, f.c:1\n") is None


def test_the_caret_stands_below_wide_characters() -> None:
    said = error(
        3,
        'column "nope" does not exist',
        "LINE 1: select 'ä漢字', nope,",
        "                        ^",
        "HINT:  Look.",
        "LOCATION:  errorMissingColumn, parse_relation.c:3854",
        f"psql:a.sql:3: STATEMENT:  {FILE[1].strip()}",
        f"{FILE[2].removesuffix(' select 2;')}",
    )
    failure = read(said)
    assert place(failure) == (2, 16)
    assert failure is not None
    assert (failure.sqlstate, failure.message, failure.hint) == (
        "42703",
        'column "nope" does not exist',
        "Look.",
    )


def test_a_line_that_psql_cut_is_found_in_the_file() -> None:
    shown = FILE[2][70:115]
    said = error(
        3,
        "no",
        f"LINE 2: ...{shown}...",
        " " * (len("LINE 2: ...") + shown.index("other")) + "^",
        f"psql:a.sql:3: STATEMENT:  {FILE[1].strip()}",
        f"{FILE[2].removesuffix(' select 2;')}",
    )
    assert place(read(said)) == (3, FILE[2].index("other") + 1)


def test_a_line_that_is_not_in_the_file_has_no_column() -> None:
    said = error(
        3, "no", "LINE 1: select 5 +;", "                 ^", "psql:a.sql:3: STATEMENT:  select 5 +;"
    )
    assert place(read(said)) == (3, None)


def test_without_a_caret_the_statement_has_a_line() -> None:
    said = error(
        3, "no", "DETAIL:  a", "b", "CONTEXT:  c", f"psql:a.sql:3: STATEMENT:  /* x\n*/ {FILE[1]}\n{FILE[2]}"
    )
    failure = read(said)
    assert place(failure) == (2, None)
    assert failure is not None
    assert failure.detail == "a\nb\nc"


def test_a_row_of_copy_has_the_line_of_the_row() -> None:
    said = error(
        7,
        "no",
        'CONTEXT:  COPY t, line 2, column a: "two"',
        "psql:a.sql:7: STATEMENT:  copy t (a) from stdin;",
    )
    assert place(read(said)) == (6, None)


def test_the_error_of_psql_itself_is_one() -> None:
    failure = read("psql:a.sql:2: error: invalid command \\nonsense\n")
    assert place(failure) == (2, None)
    assert failure is not None
    assert (failure.message, failure.sqlstate) == ("invalid command \\nonsense", None)


def test_the_last_error_counts_and_what_an_aborted_transaction_refuses_does_not() -> None:
    aborted = (
        "psql:a.sql:5: ERROR:  25P02: current transaction is aborted\npsql:a.sql:5: STATEMENT:  select 2;\n"
    )
    first = error(1, "first", "psql:a.sql:1: STATEMENT:  select 1;\n")
    second = error(2, "second", "psql:a.sql:2: STATEMENT:  select 1;\n")
    for said, expected in (
        (first + second, "second"),
        (first + aborted, "first"),
        (aborted, "current transaction"),
    ):
        failure = read(said)
        assert failure is not None
        assert failure.message.startswith(expected)


@pytest.mark.parametrize("level", ["FATAL", "PANIC"])
def test_the_end_of_the_connection_is_a_failure(level: str) -> None:
    failure = read(f"psql:a.sql:1: {level}:  57P01: terminating connection\npsql:a.sql:1: server closed\n")
    assert failure is not None


def test_a_secret_is_masked() -> None:
    failure = read(
        error(1, "bad url postgresql://u:hunter2secret@h/d", "psql:a.sql:1: STATEMENT:  select 1;")
    )
    assert failure is not None
    assert "hunter2secret" not in failure.message
