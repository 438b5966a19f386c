"""RLS coverage on a real database: healthy, broken in one way, seen, mended, gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import database, project, rls, verdict
from tests import projects

TABLE = """\
create table public.notes (id bigint primary key, owner uuid);
alter table public.notes enable row level security;
create policy owners on public.notes for all to authenticated using (owner = auth.uid());
"""


def run(dsn: str, *statements: str) -> None:
    with database.connect(dsn) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def check(dsn: str, *schemas: str) -> verdict.Rls:
    with database.connect(dsn) as connection:
        return rls.check(connection, schemas=schemas or rls.DEFAULT_SCHEMAS)


def found(dsn: str) -> list[tuple[str, str, str | None]]:
    return [(each.level, each.table, each.policy) for each in check(dsn).findings]


@pytest.mark.parametrize(
    ("breaking", "mending", "expected", "says"),
    [
        (
            "alter table public.notes disable row level security",
            "alter table public.notes enable row level security",
            ("error", "public.notes", None),
            "row level security off; through the API anon and authenticated may SELECT",
        ),
        (
            "drop policy owners on public.notes",
            "create policy owners on public.notes for all to authenticated using (owner = auth.uid())",
            ("error", "public.notes", None),
            "no policy",
        ),
        (
            "create policy open_door on public.notes for insert to anon with check (true)",
            "drop policy open_door on public.notes",
            ("error", "public.notes", "open_door"),
            "lets anon INSERT any row: WITH CHECK (true)",
        ),
        (
            "create policy open_door on public.notes using (1 = 1 or owner = auth.uid())",
            "drop policy open_door on public.notes",
            ("error", "public.notes", "open_door"),
            "lets PUBLIC INSERT, UPDATE, DELETE any row",
        ),
        (
            "create policy open_door on public.notes for delete to public using ((select true))",
            "drop policy open_door on public.notes",
            ("error", "public.notes", "open_door"),
            "DELETE any row",
        ),
        (
            "create policy open_door on public.notes for update to anon, service_role"
            " using (owner = auth.uid()) with check (not false)",
            "drop policy open_door on public.notes",
            ("error", "public.notes", "open_door"),
            "UPDATE any row: WITH CHECK",
        ),
        (
            "alter policy owners on public.notes to public using (coalesce(null, 'a' = 'a'))",
            "alter policy owners on public.notes to authenticated using (owner = auth.uid())",
            ("error", "public.notes", "owners"),
            "any row",
        ),
        (
            "create table public.events (at date) partition by range (at)",
            "drop table public.events",
            ("error", "public.events", None),
            "row level security off",
        ),
        (
            "create view public.all_notes as select * from public.notes",
            "alter view public.all_notes set (security_invoker = true)",
            ("warning", "public.all_notes", None),
            "reads public.notes with its owner's rights",
        ),
        (
            "create view public.all_notes with (security_invoker = off) as select * from public.notes",
            "drop view public.all_notes",
            ("warning", "public.all_notes", None),
            "set (security_invoker = true)",
        ),
        (
            "create materialized view public.counted as select count(*) from public.notes",
            "revoke all on public.counted from anon, authenticated",
            ("warning", "public.counted", None),
            "is a materialized view, which cannot have row level security",
        ),
    ],
)
def test_healthy_broken_mended(
    shaped: str, breaking: str, mending: str, expected: tuple[str, str, str | None], says: str
) -> None:
    run(shaped, TABLE)
    assert found(shaped) == []
    run(shaped, breaking)
    assert found(shaped) == [expected]
    assert says in check(shaped).findings[0].message
    run(shaped, mending)
    assert found(shaped) == []


@pytest.mark.parametrize(
    "harmless",
    [
        "create policy readable on public.notes for select to anon using (true)",
        "create policy kept on public.notes for all to service_role using (true) with check (true)",
        "create policy members on public.notes for all to authenticated using (true)",
        "create policy own on public.notes for insert to anon with check (owner = auth.uid())",
        "create policy never on public.notes for all to anon using (false)",
        "create schema inner_rooms; create table inner_rooms.t (id int)",
        "create temporary table t (id int)",
        "create view public.v with (security_invoker = on) as select * from public.notes",
        "create view public.v as select 1 as one",
    ],
)
def test_nothing_is_said_of_what_is_sound(shaped: str, harmless: str) -> None:
    run(shaped, TABLE, harmless)
    assert found(shaped) == []


def test_every_table_is_listed_with_its_state(shaped: str) -> None:
    run(
        shaped,
        TABLE,
        "create table public.loose (id int)",
        "alter table public.notes force row level security",
    )
    assert check(shaped).tables == (
        verdict.RlsTable(table="public.loose", enabled=False),
        verdict.RlsTable(table="public.notes", enabled=True, forced=True, policies=1),
    )


def test_partition_is_a_door_of_its_own(shaped: str) -> None:
    run(
        shaped,
        "create table public.events (at date) partition by range (at)",
        "create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01')",
        "alter table public.events enable row level security",
        "create policy readers on public.events for select to authenticated using (true)",
    )
    assert found(shaped) == [("error", "public.events_2026", None)]
    assert "partition of public.events" in check(shaped).findings[0].message


def test_foreign_table_is_a_warning(shaped_admin: str) -> None:
    run(
        shaped_admin,
        "create extension postgres_fdw",
        "create server elsewhere foreign data wrapper postgres_fdw",
        "create foreign table public.far (id int) server elsewhere",
        "grant select on public.far to anon",
    )
    assert found(shaped_admin) == [("warning", "public.far", None)]


def test_what_nobody_can_reach_is_a_warning(shaped: str) -> None:
    run(shaped, "create table public.loose (id int)", "revoke all on public.loose from anon, authenticated")
    assert found(shaped) == [("warning", "public.loose", None)]
    run(shaped, "grant select (id) on public.loose to anon")
    assert found(shaped) == [("error", "public.loose", None)]


def test_policy_without_the_privilege_is_a_warning(shaped: str) -> None:
    run(shaped, TABLE, "create policy open_door on public.notes for insert to anon with check (true)")
    run(shaped, "revoke insert on public.notes from anon")
    assert found(shaped) == [("warning", "public.notes", "open_door")]


def test_restrictive_policy_stands_before_an_open_one(shaped: str) -> None:
    run(shaped, TABLE, "create policy open_door on public.notes for insert to anon with check (true)")
    run(
        shaped,
        "create policy guard on public.notes as restrictive for insert with check (owner = auth.uid())",
    )
    assert found(shaped) == [("warning", "public.notes", "open_door")]
    run(shaped, "alter policy guard on public.notes with check (true)")
    assert found(shaped) == [("error", "public.notes", "open_door")]


def test_restrictive_policies_alone_are_said(shaped: str) -> None:
    run(shaped, TABLE, "drop policy owners on public.notes")
    run(shaped, "create policy guard on public.notes as restrictive using (owner = auth.uid())")
    assert found(shaped) == [("warning", "public.notes", None)]


def test_role_that_anon_is_member_of_counts_as_anon(shaped: str, shaped_admin: str) -> None:
    run(shaped, TABLE)
    run(
        shaped_admin,
        "do $$ begin create role readers_of_rls_test; exception when duplicate_object then null; end $$",
    )
    run(shaped_admin, "grant readers_of_rls_test to anon")
    run(shaped, "create policy open_door on public.notes for insert to readers_of_rls_test with check (true)")
    try:
        assert found(shaped) == [("error", "public.notes", "open_door")]
    finally:
        run(shaped_admin, "revoke readers_of_rls_test from anon", "drop owned by readers_of_rls_test cascade")
        run(shaped_admin, "drop role readers_of_rls_test")


def test_odd_names_are_quoted_in_what_to_run(shaped: str) -> None:
    run(shaped, 'create table public."Order; Items" (id int)')
    (finding,) = check(shaped).findings
    assert finding.table == "public.Order; Items"
    assert 'alter table public."Order; Items" enable' in finding.message


def test_exposed_schemas_are_those_of_the_configuration(shaped: str, tmp_path: Path) -> None:
    projects.write(tmp_path, migrations={}, supabase_config='[api]\nschemas = ["api"]\n')
    assert rls.exposed_schemas(project.load(tmp_path)) == ("api",)
    run(shaped, "create table public.loose (id int)", "create schema api", "create table api.loose (id int)")
    assert [table.table for table in check(shaped, "api").tables] == ["api.loose"]
    assert [(each.level, each.table) for each in check(shaped, "api").findings] == [("warning", "api.loose")]
    run(shaped, "grant usage on schema api to anon", "grant all on api.loose to anon")
    assert [(each.level, each.table) for each in check(shaped, "api").findings] == [("error", "api.loose")]


def test_default_schemas_without_a_configuration(tmp_path: Path) -> None:
    projects.plain(tmp_path)
    assert rls.exposed_schemas(project.load(tmp_path)) == ("public", "graphql_public")


def test_the_platforms_own_tables_are_no_projects_concern(shaped: str) -> None:
    """Older configurations expose the schema `storage`, whose tables no project can give row level security."""
    assert check(shaped, "storage") == verdict.Rls(tables=(), findings=())
    run(shaped, "create policy upload on storage.objects for insert to anon with check (true)")
    assert [(each.level, each.table, each.policy) for each in check(shaped, "storage").findings] == [
        ("error", "storage.objects", "upload")
    ]
