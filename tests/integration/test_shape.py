"""The shape itself: who is who, what they are given, and what policies see."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ops import database, embedded, errors, shape
from tests.fix_hosted import Hosted

OWNER = "00000000-0000-4000-8000-00000000000a"
OTHER = "00000000-0000-4000-8000-00000000000b"


@contextmanager
def _moved_away(file: Path) -> Generator[None]:
    elsewhere = file.with_suffix(".hidden")
    file.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(file)


def act_as(hosted: Hosted, /, role: str, **claims: str) -> None:
    hosted.connection.execute(
        "select set_config('request.jwt.claims', %s, true)", (json.dumps({"role": role, **claims}),)
    )
    hosted.run(f"set local role {role}")


def test_postgres_is_no_superuser(shaped: str) -> None:
    with database.connect(shaped) as connection:
        assert connection.info.parameter_status("is_superuser") == "off"
        owner = connection.execute(
            "select datdba::regrole::text from pg_database where datname = current_database()"
        ).fetchone()
    assert owner == ("postgres",)


def test_it_is_lent_for_one_statement_and_given_back(rolled_back: Hosted) -> None:
    before, after = shape.elevated("create_publication_stmt", "create publication p for all tables") or (
        "",
        "",
    )
    superuser = "select rolsuper from pg_roles where rolname = 'postgres'"
    rolled_back.connection.execute(before)
    assert rolled_back.ask(superuser) is True
    rolled_back.connection.execute(after)
    assert rolled_back.ask(superuser) is False


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("create_publication_stmt", "create publication p for table a"),
        ("alter_publication_stmt", "alter publication supabase_realtime add table public.a"),
        ("alter_owner_stmt", "alter table a owner to postgres"),
        ("alter_owner_stmt", "alter event trigger /* */ keep_platform_drop owner to postgres"),
        ("create_role_stmt", "create role a superuser"),
        ("do_stmt", "do $$ begin create publication p for all tables; end $$"),
        ("", "create event trigger"),
    ],
)
def test_what_plain_postgres_allows_or_hosted_refuses_is_not_lent(kind: str, text: str) -> None:
    assert shape.elevated(kind, text) is None


def test_what_is_made_with_it_belongs_to_postgres(rolled_back: Hosted) -> None:
    rolled_back.run("create publication p for all tables; create extension citext")
    rolled_back.run(
        "create function f() returns event_trigger language plpgsql as 'begin end';"
        "create event trigger t on ddl_command_end execute function f()"
    )
    owners = rolled_back.ask(
        "select array(select pubowner::regrole::text from pg_publication where pubname = 'p'"
        " union all select evtowner::regrole::text from pg_event_trigger where evtname = 't'"
        " union all select extowner::regrole::text from pg_extension where extname = 'citext')"
    )
    assert owners == ["postgres"] * 3


def test_new_tables_functions_and_sequences_are_open_to_the_api(rolled_back: Hosted) -> None:
    rolled_back.run("create table public.t (id serial); create function public.f() returns int return 1")
    for role in ("anon", "authenticated", "service_role"):
        granted = rolled_back.ask(
            "select has_table_privilege(%s, 'public.t', 'select, insert, update, delete')"
            " and has_sequence_privilege(%s, 'public.t_id_seq', 'usage')"
            " and has_function_privilege(%s, 'public.f()', 'execute')",
            role,
            role,
            role,
        )
        assert granted, role


def test_the_search_path_has_extensions(shaped: str, shaped_admin: str) -> None:
    for dsn in (shaped, shaped_admin):
        with database.connect(dsn) as connection:
            (path,) = connection.execute("show search_path").fetchone() or ("",)
        assert path == '"$user", public, extensions'


def test_policies_see_the_claims(rolled_back: Hosted) -> None:
    rolled_back.run(
        "create table public.notes (owner uuid, tenant text); alter table public.notes enable row level security;"
        "create policy own on public.notes to authenticated using"
        " (owner = auth.uid() and tenant = auth.jwt() -> 'app' ->> 'tenant' and auth.role() = 'authenticated');"
        f"insert into public.notes values ('{OWNER}', 'a'), ('{OTHER}', 'a'), ('{OWNER}', 'b')"
    )
    claims = {"sub": OWNER, "role": "authenticated", "email": "a@b.c", "app": {"tenant": "a"}}
    rolled_back.connection.execute("select set_config('request.jwt.claims', %s, true)", (json.dumps(claims),))
    rolled_back.run("set local role authenticated")
    assert rolled_back.ask("select count(*) from public.notes") == 1
    assert rolled_back.ask("select auth.email()") == "a@b.c"
    rolled_back.run("set local role anon")
    assert rolled_back.ask("select count(*) from public.notes") == 0
    rolled_back.run("set local role service_role")
    assert rolled_back.ask("select count(*) from public.notes") == 3


def test_without_claims_there_is_nobody(rolled_back: Hosted) -> None:
    assert rolled_back.ask("select auth.uid() is null and auth.role() is null and auth.jwt() is null")


def test_storage_is_closed_until_a_policy_opens_it(rolled_back: Hosted) -> None:
    rolled_back.run(
        "insert into storage.buckets (id, name) values ('files', 'files');"
        f"insert into storage.objects (bucket_id, name) values ('files', '{OWNER}/a.b/photo.png')"
    )
    act_as(rolled_back, "authenticated", sub=OWNER)
    assert rolled_back.ask("select count(*) from storage.objects") == 0
    rolled_back.run(
        "reset role; create policy own on storage.objects for select to authenticated"
        " using ((storage.foldername(name))[1] = auth.uid()::text)"
    )
    act_as(rolled_back, "authenticated", sub=OWNER)
    assert rolled_back.ask(
        "select storage.filename(name) || ' ' || storage.extension(name) from storage.objects"
    ) == ("photo.png png")


def test_what_only_stands_in_is_named(hosted_database: Hosted, bare: str) -> None:
    found = shape.stand_ins(hosted_database.connection)
    assert {"auth (schema)", "storage (schema)", "supabase_vault"} <= set(found)
    assert "pg_stat_statements" not in found
    with database.connect(bare) as connection:
        assert shape.stand_ins(connection) == ()


def test_an_empty_database_is_shaped_in_place(bare: str) -> None:
    with database.connect(bare) as connection:
        shape.load(connection)
        assert connection.execute("select auth.uid(), uuid_generate_v4() is not null").fetchone() == (
            None,
            True,
        )
    with database.connect(bare) as connection:
        assert connection.execute("show search_path").fetchone() == ('"$user", public, extensions',)


def test_a_server_without_the_files_gets_plain_objects(server15: embedded.Server) -> None:
    """As on somebody else's server: no stand-in is on offer there as an extension."""
    name = "somebody_elses"
    embedded.create_database(server15, name, template=embedded.EMPTY)
    try:
        with (
            _moved_away(Path(server15.host, "share", "extension", "supabase_vault.control")),
            database.connect(server15.dsn(name, user=server15.superuser)) as connection,
        ):
            shape.load(connection)
            shape_of_vault = connection.execute(
                "select vault.create_secret('a', 'b') is not null,"
                " not exists (select from pg_extension where extname = 'supabase_vault')"
            ).fetchone()
            assert shape_of_vault == (True, True)
    finally:
        embedded.drop_database(server15, name)


def test_who_is_no_superuser_cannot_shape(server: embedded.Server) -> None:
    dsn = embedded.create_database(server, "of_postgres", template=embedded.EMPTY)
    try:
        with database.connect(dsn) as connection, pytest.raises(errors.CheckFailed, match="42501"):
            shape.load(connection)
        with database.connect(dsn) as connection, pytest.raises(psycopg.errors.InvalidSchemaName):
            connection.execute("select auth.uid()")
    finally:
        embedded.drop_database(server, "of_postgres")
