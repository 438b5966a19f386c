"""Which policies a migration is about, whatever comes of it where it is rehearsed."""

from __future__ import annotations

import pytest

from ops import named_policies, statements


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("create policy a on notes for select using (true)", {("policy", "public.notes.a")}),
        ('create policy "it\'s ""mine""" on s.t', {("policy", 's.t."it\'s ""mine"""')}),
        ('alter policy a on "Odd.Table" to anon', {("policy", 'public."Odd.Table".a')}),
        ("drop policy if exists a on s.t", {("policy", "s.t.a")}),
        ("drop policy a on t", {("policy", "public.t.a")}),
        ("alter table t enable row level security", {("table", "public.t")}),
        ("alter table s.t no force row level security, add column x int", {("table", "s.t")}),
        ("alter table t add column x int", set()),
        ("drop table t", set()),
        ("select 1", set()),
    ],
)
def test_what_a_statement_names(text: str, keys: set[tuple[str, str]]):
    assert named_policies.keys(statements.parse(text + ";").statements) == keys
