"""What two major versions say differently of one schema is said alike, and nothing else is."""

from __future__ import annotations

import pytest

from ops import wordings

GRANT = ("grant", "table public.t to anon")
KEPT = {
    ("column", "public.t.a"): "integer not null",
    ("constraint", "public.t t_a_check"): "CHECK (a > 0)",
}


@pytest.mark.parametrize(
    ("said", "alike"),
    [
        ("INSERT, MAINTAIN, SELECT", "INSERT, SELECT"),
        ("INSERT, MAINTAIN", "INSERT"),
        ("MAINTAIN with grant option, SELECT", "SELECT"),
        ("MAINTAIN", None),
    ],
)
def test_a_right_that_only_one_knows(said: str, alike: str | None) -> None:
    assert wordings.alike({GRANT: said, **KEPT}, 15, 17) == ({GRANT: alike} if alike else {}) | KEPT
    assert wordings.alike({GRANT: said}, 17, 18) == {GRANT: said}


def test_the_name_of_what_is_said_with_the_column() -> None:
    named = {("constraint", "public.t t_a_not_null"): "NOT NULL a"}
    assert wordings.alike({**named, **KEPT}, 17, 18) == KEPT
    assert wordings.alike({**named, **KEPT}, 18, 18) == named | KEPT
