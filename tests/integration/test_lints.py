"""The security lints on a real database: well, broken in one way, named, mended, gone."""

from __future__ import annotations

from typing import Any, Self

import psycopg
import pytest
from psycopg import conninfo

from ops import database, lint_words, lints
from ops.lints import Linted

TABLE = """\
create table public.notes (id bigint primary key, owner uuid, stars int);
alter table public.notes enable row level security;
create policy owners on public.notes for select to authenticated using (owner = (select auth.uid()));
"""
QUEUE = (
    "create schema pgmq; grant usage on schema pgmq to anon; create table pgmq.q_mail (id bigint primary key);"
    "grant select on pgmq.q_mail to anon"
)
CASES = [
    (
        "auth_users_exposed",
        "create view public.people with (security_invoker = on) as select * from auth.users;"
        "create view public.staff as select id from auth.users",
        "drop view public.people, public.staff",
        "auth_users_exposed_public_staff",
    ),
    (
        "auth_rls_initplan",
        "create policy slow on public.notes for delete to authenticated"
        " using (owner = (select auth.uid()) and owner = auth.uid())",
        "alter policy slow on public.notes using (owner = (select auth.uid()))",
        "auth_rls_init_plan_public_notes_slow",
    ),
    (
        "auth_rls_initplan",
        "create policy slow on public.notes for update to authenticated using (false)"
        " with check (current_setting('app.tenant', true) = 'a')",
        "alter policy slow on public.notes with check ((select current_setting('app.tenant', true)) = 'a')",
        "auth_rls_init_plan_public_notes_slow",
    ),
    (
        "multiple_permissive_policies",
        "create policy more on public.notes to authenticated using (stars = (select 1))",
        "drop policy more on public.notes",
        "multiple_permissive_policies_public_notes_authenticated_SELECT",
    ),
    (
        "policy_exists_rls_disabled",
        "alter table public.notes disable row level security; revoke all on public.notes from anon, authenticated",
        "alter table public.notes enable row level security",
        "policy_exists_rls_disabled_public_notes",
    ),
    (
        "rls_enabled_no_policy",
        "drop policy owners on public.notes",
        "create policy owners on public.notes for select using (owner = (select auth.uid()))",
        "rls_enabled_no_policy_public_notes",
    ),
    (
        "security_definer_view",
        "create view public.seen as select 1 as one",
        "alter view public.seen set (security_invoker = t)",
        "security_definer_view_public_seen",
    ),
    (
        "function_search_path_mutable",
        "create function public.f(a int) returns int language sql as 'select 1'",
        "alter function public.f(int) set search_path = ''",
        "function_search_path_mutable_public_f_95adb6e77a0884d9e50232cb8c5c969d",
    ),
    (
        "rls_disabled_in_public",
        "create table public.days (day date) partition by range (day)",
        "alter table public.days enable row level security; drop table public.days",
        "rls_disabled_in_public_public_days",
    ),
    (
        "extension_in_public",
        "create extension pg_trgm schema public",
        "alter extension pg_trgm set schema extensions",
        "extension_in_public_pg_trgm",
    ),
    (
        "rls_references_user_metadata",
        "create policy bosses on public.notes for delete to authenticated"
        " using ((select auth.jwt()) -> 'user_metadata' ->> 'boss' = 'yes')",
        "alter policy bosses on public.notes using ((select auth.jwt()) -> 'app_metadata' ->> 'boss' = 'yes')",
        "rls_references_user_metadata_public_notes_bosses",
    ),
    (
        "materialized_view_in_api",
        "create materialized view public.counted as select count(*) from public.notes",
        "revoke select on public.counted from anon, authenticated",
        "materialized_view_in_api_public_counted",
    ),
    (
        "foreign_table_in_api",
        "create extension postgres_fdw schema extensions; create server elsewhere foreign data wrapper postgres_fdw;"
        "create foreign table public.far (id int) server elsewhere",
        "revoke select on public.far from anon, authenticated",
        "foreign_table_in_api_public_far",
    ),
    (
        "insecure_queue_exposed_in_api",
        QUEUE,
        "alter table pgmq.q_mail enable row level security",
        "rls_disabled_in_public_pgmq_q_mail",
    ),
    (
        "sensitive_columns_exposed",
        'create table public.cards (id int primary key, "Card-Number" text, note text)',
        "drop table public.cards",
        "sensitive_columns_exposed_public_cards",
    ),
    (
        "rls_policy_always_true",
        "create policy anybody on public.notes for delete to anon using ('a'::text = 'a'::text)",
        "alter policy anybody on public.notes using (owner = (select auth.uid()))",
        "rls_policy_always_true_public_notes_anybody",
    ),
    (
        "rls_policy_always_true",
        "create policy anybody on public.notes for update to authenticated"
        " using (owner = (select auth.uid())) with check (true)",
        "alter policy anybody on public.notes with check (owner = (select auth.uid()))",
        "rls_policy_always_true_public_notes_anybody",
    ),
    (
        "public_bucket_allows_listing",
        "insert into storage.buckets (id, name, public) values ('it''s \\', 'Open', true), ('shut', 'Shut', false);"
        "create policy listing on storage.objects for select to anon using (bucket_id = 'it''s \\');"
        "create policy shut on storage.objects for select to anon using (bucket_id = 'shut')",
        "drop policy listing on storage.objects",
        "public_bucket_allows_listing_it's \\",
    ),
    (
        "anon_security_definer_function_executable",
        "create function public.f() returns int language sql security definer set search_path = '' as 'select 1'",
        "revoke execute on function public.f() from public, anon",
        "anon_security_definer_function_executable_public_f_",
    ),
    (
        "authenticated_security_definer_function_executable",
        "create function public.f() returns int language sql security definer set search_path = '' as 'select 1'",
        "revoke execute on function public.f() from public, authenticated",
        "authenticated_security_definer_function_executable_public_f_",
    ),
]


def run(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.encode())


def check(dsn: str, **chosen: tuple[str, ...]) -> Linted:
    with database.connect(dsn) as connection:
        return lints.check(connection, **chosen)


def named(dsn: str, lint: str, served: tuple[str, ...] = lints.DEFAULT_SERVED) -> list[str]:
    return [each.cache_key for each in check(dsn, served=served).lints if each.lint == lint]


@pytest.mark.parametrize(("lint", "breaking", "mending", "key"), CASES, ids=[each[0] for each in CASES])
def test_well_broken_named_mended_gone(shaped_admin: str, lint: str, breaking: str, mending: str, key: str):
    served = (*lints.DEFAULT_SERVED, "pgmq_public")
    run(shaped_admin, TABLE)
    assert named(shaped_admin, lint, served) == []
    run(shaped_admin, breaking)
    assert named(shaped_admin, lint, served) == [key]
    (one,) = [
        each
        for each in check(shaped_admin, served=served).lints
        if each.cache_key == key and each.lint == lint
    ]
    found = one.finding
    assert (found.kind, found.severity in {"failed", "attention", "note"}) == (lint, True)
    assert one.schema in found.said or one.name in found.said
    run(shaped_admin, mending)
    assert named(shaped_admin, lint, served) == []


def test_every_lint_of_the_audit_is_tried_here_and_has_its_file():
    audited = {name for name, words in lint_words.WORDS.items() if words.audited}
    beside = {"unsupported_reg_types", "fkey_to_auth_unique", "extension_versions_outdated"}
    assert {each[0] for each in CASES} == audited - beside
    assert {words.file(name) for name, words in lint_words.WORDS.items()} == set(lints.FILES)


def test_the_schemas_of_the_api_are_those_of_the_session_then_of_its_login_then_of_the_project(
    shaped_admin: str,
):
    run(
        shaped_admin,
        "create schema shop; grant usage on schema shop to anon; create table shop.carts (id int)",
    )
    run(shaped_admin, "grant select on shop.carts to anon")
    database_name = conninfo.conninfo_to_dict(shaped_admin)["dbname"]
    keys = ["rls_disabled_in_public_shop_carts"]
    lint = "rls_disabled_in_public"
    assert (named(shaped_admin, lint), named(shaped_admin, lint, ("shop",))) == ([], keys)
    run(
        shaped_admin,
        f"alter role authenticator in database \"{database_name}\" set pgrst.db_schemas = 'public, shop'",
    )
    assert named(shaped_admin, lint) == keys
    with database.connect(shaped_admin) as connection:
        connection.execute("set pgrst.db_schemas = 'public'")
        assert [each.cache_key for each in lints.check(connection).lints if each.lint == lint] == []


def test_what_is_named_does_not_depend_on_the_search_path_and_leaves_it(shaped_admin: str):
    run(shaped_admin, TABLE)
    run(
        shaped_admin,
        "create policy slow on public.notes for delete to authenticated using (owner = auth.uid())",
    )
    with database.connect(shaped_admin) as connection:
        connection.execute("set search_path = auth, storage, public")
        assert "auth_rls_initplan" in {each.lint for each in lints.check(connection).lints}
        with connection.transaction():
            lints.check(connection)
            assert connection.execute("show search_path").fetchone() == ("auth, storage, public",)


def test_a_database_without_the_roles_and_schemas_of_the_platform_can_be_linted(bare: str):
    run(bare, "create table public.notes (id int)")
    found = check(bare)
    assert {each.lint for each in found.lints} == {"no_primary_key"}
    assert found.unasked == ("0025_public_bucket_allows_listing",)


def test_several_of_one_object_are_different_findings(shaped_admin: str):
    run(shaped_admin, "create function public.f() returns int language sql as 'select 1'")
    run(shaped_admin, "create function public.f(a int) returns int language sql as 'select 1'")
    found = [
        each.finding for each in check(shaped_admin).lints if each.lint == "function_search_path_mutable"
    ]
    assert [each.object for each in found] == ["public.f()", "public.f(a integer)"]
    assert len({each.fingerprint for each in found}) == 2


def test_a_quoted_name_is_quoted_in_what_to_do(shaped_admin: str):
    run(shaped_admin, 'create table public."Odd table" (id int primary key)')
    (found,) = [each.finding for each in check(shaped_admin).lints if each.lint == "rls_disabled_in_public"]
    assert 'alter table "public"."Odd table" enable row level security' in found.todo


def test_all_lints_take_three_questions_whatever_the_number_of_tables(shaped_admin: str):
    sent: list[str] = []

    class Counting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Self:
            sent.append(str(query))
            return super().execute(query, *args, **kwargs)

    with database.connect(shaped_admin, cursor_factory=Counting) as connection:
        lints.check(connection)
    assert len(sent) == 3


def test_a_login_to_which_the_platform_is_closed_can_lint(shaped_admin: str):
    run(shaped_admin, "create view public.staff as select id from auth.users; create role looker login")
    try:
        found = check(conninfo.make_conninfo(shaped_admin, user="looker"))
        assert "auth_users_exposed_public_staff" in {each.cache_key for each in found.lints}
        assert found.unasked == ("0025_public_bucket_allows_listing",)
    finally:
        run(shaped_admin, "drop role looker")
