"""Which files share their session with others."""

from __future__ import annotations

import pytest

from ops import marks


@pytest.mark.parametrize(
    "text",
    [
        "set app.tenant = 'a'",
        "SET LOCAL app.tenant TO 'a'",
        'set session "app"."tenant" = 1',
        "select set_config('app.tenant', 'a', false)",
        "load 'auto_explain'",
        "prepare one as select 1",
        "deallocate all",
        "discard all",
        "listen changes",
        "declare c cursor with hold for select 1",
        "create temp table t (id int)",
        "create temporary view v as select 1",
        "create extension if not exists vector",
        "select pg_advisory_lock(1)",
        "select pg_try_advisory_lock(1)",
        "alter role authenticator set statement_timeout = '8s'",
        "alter database postgres set search_path = app",
        "alter  system set work_mem = '8MB'",
        "create event trigger t on login execute function f()",
        "set default_transaction_read_only = on",
        "set session characteristics as transaction read only",
        "do $$ begin execute 'set role anon'; end $$",
        "create function f() returns void language plpgsql as $$ begin execute format('x'); end $$",
    ],
)
def test_a_file_that_may_leave_a_mark_has_a_session_of_its_own(text: str) -> None:
    assert marks.may_leave(text)


@pytest.mark.parametrize(
    "text",
    [
        "create table public.notes (id bigint primary key)",
        "update public.notes set body = 'a', stamp = now()",
        "update public.notes as n set body = n.title || 'temporal' from public.tags as t",
        "create trigger t before update on public.notes for each row execute function touch()",
        "grant execute on function public.f() to anon",
        "create function f() returns int language sql set search_path = '' as $$ select 1 $$",
        "alter table public.notes alter column body set default 'loaded'",
        "create table public.user_sessions (session_id uuid, prepared boolean, uploads int, template text)",
    ],
)
def test_what_every_session_takes_back_leaves_no_mark(text: str) -> None:
    assert not marks.may_leave(text)
