"""The arithmetic of changes, and what goes without saying when a whole is gone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import comparison, parts
from ops.schema import Delta, Key, Snapshot

KEYS = st.tuples(st.sampled_from(["table", "column", "grant"]), st.sampled_from("abc"))
SNAPSHOTS = st.dictionaries(KEYS, st.sampled_from("xyz"))


@given(SNAPSHOTS, SNAPSHOTS)
def test_a_change_leads_from_one_to_the_other_and_back(one: Snapshot, other: Snapshot) -> None:
    delta = comparison.between(one, other)
    assert comparison.patched(one, delta) == other
    assert comparison.patched(other, comparison.invert(delta)) == one
    assert comparison.compose(delta, comparison.invert(delta)) == {}


@given(SNAPSHOTS, SNAPSHOTS, SNAPSHOTS)
def test_two_changes_amount_to_one(one: Snapshot, two: Snapshot, three: Snapshot) -> None:
    first, second = comparison.between(one, two), comparison.between(two, three)
    assert comparison.compose(first, second) == comparison.between(one, three)


@given(SNAPSHOTS, SNAPSHOTS)
def test_nothing_is_different_just_when_both_are_equal(one: Snapshot, other: Snapshot) -> None:
    assert (comparison.compare(one, other) == ()) == (one == other)


TABLE = ("table", "public.t")
COLUMN = ("column", "public.t.a")
POLICY = ("policy", "public.t.p")
INDEX = ("index", "public.i")
FUNCTION = ("function", "public.f(integer,text)")


@pytest.mark.parametrize(
    ("key", "text", "whole"),
    [
        (COLUMN, "int", TABLE),
        (POLICY, "using (true)", TABLE),
        (("column", 'public."t.a".b'), "int", ("view", 'public."t.a"')),
        (("column", 'public.t."a.b"'), "int", TABLE),
        (("column", 'public.t."a""b"'), "int", TABLE),
        (("constraint", "public.d.k"), "CHECK (true)", ("domain", "public.d")),
        (("column order", "public.t"), "a, b", TABLE),
        (INDEX, "CREATE INDEX i ON public.t USING btree (a)", TABLE),
        (INDEX, "CREATE UNIQUE INDEX i ON ONLY public.t USING btree (a)", TABLE),
        (INDEX, "CREATE INDEX i ON public.t USING btree (a)", ("constraint", "public.t.i")),
        (
            INDEX,
            'CREATE INDEX " ON x.y " ON public."t ON z.z" USING btree (a)',
            ("table", 'public."t ON z.z"'),
        ),
        (("statistics", "public.s"), "CREATE STATISTICS public.s ON a, b FROM public.t\nowner x", TABLE),
        (("sequence", "public.q"), "owner x\nas bigint\nowned by public.t.a", TABLE),
        (("sequence", "public.q"), "owner x\nas bigint\nidentity of public.t.a", COLUMN),
        (("grant", "table public.t to anon"), "SELECT", TABLE),
        (("grant", 'table public.t to "a to b"'), "SELECT", TABLE),
        (("grant", "table column public.t.a to anon"), "SELECT", COLUMN),
        (("grant", "function public.f(integer,text) to anon"), "EXECUTE", FUNCTION),
        (("grant", "foreign-data wrapper w to anon"), "USAGE", ("foreign data wrapper", "w")),
        (("comment", "table public.t"), "x", TABLE),
        (("comment", "table column public.t.a"), "x", COLUMN),
        (("comment", "composite type column public.c.a"), "x", ("type", "public.c")),
        (("comment", "policy p on public.t"), "x", POLICY),
        (("comment", "policy p on public.t"), "x", TABLE),
        (("comment", 'policy "p on q" on public.t'), "x", TABLE),
        (("comment", "table constraint k on public.t"), "x", ("constraint", "public.t.k")),
        (("comment", "domain constraint k on public.d"), "x", ("domain", "public.d")),
        (("comment", "index public.i"), "x", INDEX),
        (("comment", "type public.d"), "x", ("domain", "public.d")),
        (("comment", "statistics object public.s"), "x", ("statistics", "public.s")),
        (("comment", "schema s"), "x", ("schema", "s")),
        (("security label", "guard on table public.t"), "x", TABLE),
        (("role membership", "a in b"), "{}", ("role", "b")),
        (("setting", "a in this database"), "x=1", ("role", "a")),
        (("publication table", "p: public.t"), "published", ("publication", "p")),
        (("publication schema", "p: s"), "published", ("publication", "p")),
    ],
)
def test_a_part_goes_with_its_whole(key: Key, text: str, whole: Key) -> None:
    assert whole in set(parts.owners(key, text))
    delta: Delta = {key: (text, None), whole: ("there", None)}
    assert [(each.kind, each.object) for each in comparison.differences(delta)] == [whole]


@pytest.mark.parametrize(
    ("key", "text", "other"),
    [
        (COLUMN, "int", ("table", "public.t2")),
        (COLUMN, "int", ("table", "public")),
        (("column", 'public."t.a".b'), "int", TABLE),
        (("constraint", "public.child.fk"), "FOREIGN KEY (a) REFERENCES public.t(id)", TABLE),
        (INDEX, "CREATE INDEX i ON public.t2 USING btree (a)", TABLE),
        (("grant", "table public.t2 to t"), "SELECT", TABLE),
        (("comment", "schema s"), "x", ("extension", "s")),
        (("comment", "policy p on public.t2"), "x", POLICY),
        (("view", "public.v"), "SELECT a FROM public.t", TABLE),
        (FUNCTION, "", ("schema", "public")),
    ],
)
def test_what_is_no_part_is_listed_too(key: Key, text: str, other: Key) -> None:
    delta: Delta = {key: (text, None), other: ("there", None)}
    assert {(each.kind, each.object) for each in comparison.differences(delta)} == {key, other}


def test_a_part_of_what_has_only_changed_is_listed() -> None:
    delta: Delta = {TABLE: ("owner a", "owner b"), COLUMN: ("int", None), INDEX: (None, "CREATE INDEX")}
    assert len(comparison.differences(delta)) == 3


@pytest.mark.parametrize(
    ("before", "after", "listed"),
    [
        ("a, b", "b, a", True),
        ("a, b", "a, b, c", False),
        ("a, b", "c, a, b", False),
        ("a, b, c", "a, c", False),
        ("a, b, c", "c, a", True),
        ('"a, b", c', 'c, "a, b"', True),
        ("a", None, False),
    ],
)
def test_another_order_of_columns_is_listed_where_it_is_one(
    before: str, after: str | None, listed: bool
) -> None:
    delta: Delta = {("column order", "public.t"): (before, after)}
    assert bool(comparison.differences(delta)) == listed


def test_roles_are_left_out_of_a_comparison_of_databases() -> None:
    snapshot = {
        ("role", "a"): "login",
        ("setting", "a"): "x=1",
        ("role membership", "a in b"): "{}",
        TABLE: "x",
    }
    assert comparison.without_cluster(snapshot) == {TABLE: "x"}
