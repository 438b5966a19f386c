"""Which statements the guard of the platform's objects looks at."""

from __future__ import annotations

import pytest

from ops import statements
from ops.shape import guarding


@pytest.mark.parametrize(
    "text",
    [
        "alter table auth.users add column nickname text",
        'alter table "storage".objects disable row level security',
        "drop table if exists public.a, auth.users",
        "alter schema realtime rename to gone",
        "create or replace function auth.uid() returns uuid language sql as $$ select null::uuid $$",
        "create view storage.mine as select 1",
        "do $$ begin execute 'drop table auth.users'; end $$",
    ],
)
def test_what_may_change_the_platform_is_looked_at(text: str):
    (statement,) = statements.parse(text).statements
    assert guarding.concerned(statement.kind, statement.text)


@pytest.mark.parametrize(
    "text",
    [
        "create table public.a (owner uuid default auth.uid())",
        "create policy p on storage.objects for select using (owner = auth.uid())",
        "create function public.mine() returns uuid language sql as $$ select auth.uid() $$",
        "create view public.mine as select * from auth.users",
        "alter table public.a add column b text",
        "insert into storage.buckets (id, name) values ('a', 'a')",
        "alter default privileges in schema storage grant select on tables to anon",
    ],
)
def test_what_only_uses_the_platform_is_not(text: str):
    (statement,) = statements.parse(text).statements
    assert not guarding.concerned(statement.kind, statement.text)
