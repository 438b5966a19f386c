"""Refusals with their place."""

from __future__ import annotations

import pytest

from ops import failures

FILE = "supabase/migrations/1_a.sql"


@pytest.mark.parametrize(
    ("problem", "line", "column", "message"),
    [
        (f"{FILE}:3:14: has a NUL byte: it\nends here", 3, 14, "has a NUL byte: it\nends here"),
        (f"{FILE}: is not a file", None, None, "is not a file"),
        ("1:2 is no place", None, None, "1:2 is no place"),
    ],
)
def test_a_refusal_says_its_place_once(
    problem: str, line: int | None, column: int | None, message: str
) -> None:
    failure = failures.refusal(problem, FILE)
    assert (failure.file, failure.line, failure.column, failure.message) == (FILE, line, column, message)
    assert failure.sqlstate is None
