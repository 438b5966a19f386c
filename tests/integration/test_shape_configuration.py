"""What of `supabase/config.toml` and `supabase/roles.sql` a shaped database follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ops import database, project, shape
from tests import projects

Configure = Callable[..., tuple[str, ...]]


@pytest.fixture
def configure(shaped_admin: str, tmp_path: Path) -> Configure:
    def configured(config: str, files: dict[str, str] | None = None) -> tuple[str, ...]:
        for name, text in {"supabase/config.toml": config, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return shape.configure(shaped_admin, project.load(tmp_path))

    return configured


def ask(dsn: str, query: str) -> object:
    with database.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def test_a_plain_project_changes_nothing_and_warns_of_nothing(configure: Configure, shaped: str) -> None:
    assert configure('project_id = "a"\n[api]\nport = 1\n') == ()
    assert ask(shaped, "select count(*) from storage.buckets") == 0


def test_new_tables_are_closed_where_the_project_says_so(configure: Configure, shaped: str) -> None:
    assert configure("[api]\nauto_expose_new_tables = false\n") == ()
    with database.connect(shaped) as connection:
        connection.execute(
            "create table public.t (id serial); create function public.f() returns int return 1"
        )
    for role in ("anon", "authenticated", "service_role"):
        for privilege in ("select", "insert", "update", "delete"):
            assert not ask(shaped, f"select has_table_privilege('{role}', 'public.t', '{privilege}')")
        assert not ask(shaped, f"select has_sequence_privilege('{role}', 'public.t_id_seq', 'usage')")


def test_new_tables_are_open_where_it_says_nothing_or_true(configure: Configure, shaped: str) -> None:
    configure("[api]\nauto_expose_new_tables = true\n")
    with database.connect(shaped) as connection:
        connection.execute("create table public.t ()")
    assert ask(shaped, "select has_table_privilege('anon', 'public.t', 'select')")


def test_buckets_are_made_after_the_migrations(
    configure: Configure, shaped: str, shaped_admin: str, tmp_path: Path
) -> None:
    assert not configure(
        "[storage.buckets.images]\npublic = true\nfile_size_limit = '50MiB'\nallowed_mime_types = ['image/png']\n"
        "[storage.buckets.other]\nfile_size_limit = 'large'\n"
    )
    with database.connect(shaped) as connection:
        connection.execute("insert into storage.buckets (id, name) values ('images', 'images')")
    with database.connect(shaped_admin) as connection:
        warnings = shape.make_buckets(connection, project.load(tmp_path))
    row = "select row(public, file_size_limit, allowed_mime_types)::text from storage.buckets where id = 'images'"
    assert ask(shaped, row) == "(t,52428800,{image/png})"
    assert ask(shaped, "select public from storage.buckets where id = 'other'") is False
    assert len(warnings) == 1
    assert "'large' is no size" in warnings[0]


def test_the_vault_holds_placeholders(configure: Configure, shaped: str) -> None:
    (warning,) = configure("[db.vault]\nkey = 'env(KEY)'\nother = 'plain secret'\n")
    secrets = (
        "select string_agg(name || '=' || decrypted_secret, ' ' order by name) from vault.decrypted_secrets"
    )
    assert ask(shaped, secrets) == "key=placeholder-of-key other=placeholder-of-other"
    assert "plain secret" not in warning


def test_settings_of_the_database(configure: Configure, shaped: str) -> None:
    (warning,) = configure("[db.settings]\nstatement_timeout = '90s'\nmax_connections = 7\n")
    assert ask(shaped, "show statement_timeout") == "90s"
    assert "max_connections" in warning


def test_custom_roles_come_before_the_migrations(configure: Configure, shaped: str) -> None:
    roles = "create role of_the_project nologin; grant of_the_project to authenticator;"
    assert configure("", {"supabase/roles.sql": roles}) == ()
    try:
        assert ask(shaped, "select pg_has_role('authenticator', 'of_the_project', 'member')")
    finally:
        with database.connect(shaped) as connection:
            connection.execute("drop role of_the_project")


def test_broken_custom_roles_are_told(configure: Configure) -> None:
    (warning,) = configure("", {"supabase/roles.sql": "create role evil superuser"})
    assert "supabase/roles.sql did not run" in warning


def test_a_version_that_a_migration_names_is_known(configure: Configure, shaped: str) -> None:
    migration = (
        'create extension if not exists "pg_net" with schema "extensions" version \'0.7.1\';\n'
        "create extension vector\n  with schema extensions\n  version '0.5.0';\n"
    )
    warnings = configure("", {f"supabase/migrations/{projects.NOTES}.sql": migration})
    assert [warning.split(":")[0] for warning in warnings] == ["extension pg_net", "extension vector"]
    with database.connect(shaped) as connection:
        connection.execute(migration.encode())
    versions = (
        "select string_agg(extversion, ' ' order by extname) from pg_extension"
        " where extname in ('pg_net', 'vector')"
    )
    assert ask(shaped, versions) == "0.7.1 0.5.0"


def test_what_has_no_meaning_here_is_told(configure: Configure) -> None:
    (warning,) = configure('[experimental]\norioledb_version = "15.1"\n')
    assert "orioledb_version" in warning
