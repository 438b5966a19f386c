"""What a policy's predicate comes to whatever the row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import folding

TRUE = [
    "true",
    "(true)",
    "'t'::boolean",
    "'yes'::bool",
    "1::boolean",
    "cast('on' as boolean)",
    "1 = 1",
    "(1 < 2)",
    "2.5 >= 2.5",
    "'a' = 'a'",
    "'a'::text = 'a'::text",
    "'a' <> 'b'",
    "not false",
    "not not true",
    "true or owner = auth.uid()",
    "owner = auth.uid() or true",
    "true and 1 = 1",
    "null is null",
    "1 is not null",
    "true is true",
    "false is not true",
    "null is unknown",
    "(null or false) is unknown",
    "coalesce(null, true)",
    "coalesce(true, owner = auth.uid())",
    "(select true)",
    "((select (1 = 1)))",
    "1 in (2, 1)",
    "1 = any (array[3, 1])",
    "auth.role() = 'anon'",
    "auth.role() in ('anon', 'authenticated')",
    "(select auth.role()) = 'anon'",
    "auth.role() is not null",
]
NOT_TRUE = [
    "false",
    "null",
    "null::boolean",
    "1 = 2",
    "true and false",
    "true and null",
    "null or false",
    "owner = auth.uid()",
    "true and owner = auth.uid()",
    "owner is not null",
    "auth.uid() is not null",
    "auth.role() = 'authenticated'",
    "auth.role() <> 'anon'",
    "not (auth.role() = 'anon')",
    "id = id",
    "1 in (2, 3)",
    "1 = any (ids)",
    "coalesce(null, null)",
    "coalesce(owner = auth.uid(), true)",
    "exists (select from public.members)",
    "(select true from public.members)",
    "(select true where false)",
    "(select true limit 0)",
    "(select true union select false)",
    "public.is_owner(id)",
    "case when true then true end",
    "'maybe'::boolean",
    "'1' = 1",
    "1 = '1'::text",
    "current_setting('request.jwt.claims', true) is null",
    "not a predicate at all )",
    "",
]


@pytest.mark.parametrize("predicate", TRUE)
def test_always_true(predicate: str) -> None:
    assert folding.is_true(predicate, role="anon")


@pytest.mark.parametrize("predicate", NOT_TRUE)
def test_not_always_true(predicate: str) -> None:
    assert not folding.is_true(predicate, role="anon")


def test_no_predicate_is_not_true() -> None:
    assert not folding.is_true(None)


def test_role_is_unknown_unless_it_is_said() -> None:
    assert not folding.is_true("auth.role() = 'anon'")


SMALL = st.recursive(
    st.sampled_from(["true", "false", "null::boolean"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda each: f"({' '.join(each)})"),
        inner.map(lambda each: f"(not {each})"),
        inner.map(lambda each: f"({each} is true)"),
        inner.map(lambda each: f"({each} is not false)"),
        inner.map(lambda each: f"(select {each})"),
        st.tuples(inner, inner).map(lambda each: f"coalesce({each[0]}, {each[1]})"),
    ),
    max_leaves=8,
)


@given(predicate=SMALL)
def test_constants_are_never_unknown(predicate: str) -> None:
    assert folding.constant(predicate) in (True, False, None)


@given(predicate=SMALL, other=SMALL)
def test_de_morgan(predicate: str, other: str) -> None:
    left = folding.constant(f"not ({predicate} and {other})")
    assert left == folding.constant(f"(not {predicate}) or (not {other})")


@given(predicate=SMALL)
def test_what_depends_on_the_row_stays_so_unless_it_cannot_matter(predicate: str) -> None:
    value = folding.constant(f"{predicate} or owner = auth.uid()")
    assert value is True if folding.constant(predicate) is True else value is folding.UNKNOWN
