"""What a database says of its schema version, in which table and for which environment, and what it does not say."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from ops import database, errors, project, schema_guard
from ops.project import Environment, Project
from ops.schema_guard import Checked
from tests import projects

CONFIG = '[schema_guard]\ntable = "bot_config"\n'
TABLE = "create table public.bot_config (config_key text, config_value jsonb, environment text);"
ONE = """insert into public.bot_config values ('schema_version', '{"version": "1.1.0"}', 'production');"""
STAGING = Environment(name="staging", database="env:A_DSN")
PRODUCTION = Environment(name="production", database="env:A_DSN")


@pytest.fixture(autouse=True)
def no_versions_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("APP_SCHEMA_VERSION", "SKIP_SCHEMA_GUARD"):
        monkeypatch.delenv(name, raising=False)


def made(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def shop(root: Path, config: str = CONFIG) -> Project:
    return project.load(projects.write(root / "shop", migrations={}, config=config))


def read(dsn: str, found: Project, environment: str = "production") -> str:
    with database.connect(dsn) as connection:
        stored = schema_guard.read(connection, found, environment=environment)
        return f"{stored.version} {stored.place}"


def checked(dsn: str, found: Project, app_version: str, where: Environment = PRODUCTION) -> Checked:
    with database.connect(dsn) as connection:
        return schema_guard.check(connection, found, environment=where, app_version=app_version)


def test_from_nothing_to_fitting_to_conflict(shaped: str, tmp_path: Path) -> None:
    found = shop(tmp_path)
    missing = checked(shaped, found, "1.0.0")
    assert not missing.ok
    assert "no table 'bot_config'" in missing.summary
    assert "Run the migrations" in missing.summary
    made(shaped, TABLE)
    assert "There is no row public.bot_config (config_key = 'schema_version', production)" in (
        checked(shaped, found, "1.0.0").summary
    )
    made(shaped, ONE)
    assert checked(shaped, found, "1.0.0").ok
    assert checked(shaped, found, "1.1.0").rule == "exact"
    newer = checked(shaped, found, "1.2.0")
    assert (newer.ok, newer.rule, newer.app, newer.database) == (False, "app-newer", "1.2.0", "1.1.0")
    made(shaped, """update public.bot_config set config_value = '{"version": "2.0.0", "migration": "x"}'""")
    assert checked(shaped, found, "1.1.0").rule == "version-conflict"


def test_each_environment_of_one_database_has_its_own(shaped: str, tmp_path: Path) -> None:
    made(
        shaped,
        TABLE,
        ONE,
        """insert into public.bot_config values ('schema_version', '{"version": "1.2.0"}', 'stg')""",
    )
    found = shop(tmp_path, CONFIG + 'environments = { staging = "stg" }\n')
    assert read(shaped, found).startswith("1.1.0 ")
    assert read(shaped, found, "staging") == "1.2.0 public.bot_config (config_key = 'schema_version', stg)"
    with pytest.raises(errors.Refused, match="There are 2 rows"):
        read(shaped, found, "")
    with pytest.raises(errors.Refused, match="There is no row"):
        read(shaped, found, "preview")


def test_a_row_without_an_environment_is_for_all(shaped: str, tmp_path: Path) -> None:
    made(shaped, TABLE, ONE, "update public.bot_config set environment = null")
    assert read(shaped, shop(tmp_path), "anything").startswith("1.1.0 ")
    made(shaped, ONE)
    with pytest.raises(errors.Refused, match="There are 2 rows"):
        read(shaped, shop(tmp_path))


def test_table_columns_and_key_may_be_called_otherwise(shaped: str, tmp_path: Path) -> None:
    made(
        shaped,
        'create schema "App"; create table "App"."Sett""ings" ("Key" text, "Value" text)',
        """insert into "App"."Sett""ings" values ('it''s', '{"version": "3.2.1"}')""",
    )
    config = (
        '[schema_guard]\ntable = \'App.Sett"ings\'\nkey_column = "Key"\nvalue_column = "Value"\n'
        'key = "it\'s"\n'
    )
    assert read(shaped, shop(tmp_path, config)).startswith("3.2.1 ")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("null", "is NULL"),
        ("'null'", "is no object"),
        ("'[]'", "is no object"),
        ("""'"1.0.0"'""", "is no object"),
        ("'{}'", "an object without a version"),
        ("""'{"version": 1.0}'""", "is 1.0 and no text"),
        ("""'{"version": null}'""", "is null and no text"),
        ("""'{"version": "v1.0.0"}'""", "is 'v1.0.0', which is no version"),
        ("""'{"version": "1.0"}'""", "is '1.0', which is no version"),
    ],
)
def test_a_value_that_is_no_version_is_refused(shaped: str, tmp_path: Path, value: str, said: str) -> None:
    made(shaped, TABLE, f"insert into public.bot_config values ('schema_version', {value}, 'production')")
    with pytest.raises(errors.Refused) as raised:
        read(shaped, shop(tmp_path))
    assert said in str(raised.value)
    assert "public.bot_config" in str(raised.value)
    assert not checked(shaped, shop(tmp_path), "1.0.0").ok


def test_a_text_that_is_no_json_is_refused(shaped: str, tmp_path: Path) -> None:
    made(shaped, TABLE.replace("jsonb", "text"), ONE.replace('"version"', "version"))
    with pytest.raises(errors.Refused, match="is no JSON"):
        read(shaped, shop(tmp_path))


def test_a_column_that_is_not_there_is_named(shaped: str, tmp_path: Path) -> None:
    made(shaped, "create table public.bot_config (key text, config_value jsonb)")
    with pytest.raises(errors.Refused, match=r"schema_guard\.key_column: public\.bot_config has no column"):
        read(shaped, shop(tmp_path))


def test_rows_that_row_level_security_hides_are_not_passed_over(shaped: str, tmp_path: Path) -> None:
    made(shaped, TABLE, ONE, "alter table public.bot_config enable row level security")
    with database.connect(shaped) as connection:
        connection.execute("set role authenticated")
        with pytest.raises(errors.Refused, match="row level security would hide rows"):
            schema_guard.read(connection, shop(tmp_path), environment="production")


def test_a_bad_version_of_the_app_is_refused_and_not_judged(shaped: str, tmp_path: Path) -> None:
    made(shaped, TABLE, ONE)
    with pytest.raises(errors.Refused, match=r"'1\.0', which is no version"):
        checked(shaped, shop(tmp_path), "1.0")
    with pytest.raises(errors.Refused, match="APP_SCHEMA_VERSION is not set"):
        checked(shaped, shop(tmp_path), "")


def test_a_project_without_a_guard_is_asked_nothing(shaped: str, tmp_path: Path) -> None:
    found = checked(shaped, shop(tmp_path, ""), "")
    assert (found.ok, found.idle) == (True, True)
    with pytest.raises(errors.Refused, match=r'\[schema_guard\] table = "bot_config"'):
        read(shaped, shop(tmp_path, ""))


def test_where_it_is_not_guarded_a_skip_is_loud_and_written_down(
    shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKIP_SCHEMA_GUARD", "true")
    made(shaped, TABLE, ONE)
    found = checked(shaped, shop(tmp_path), "9.0.0", STAGING)
    assert (found.ok, found.skipped, found.rule) == (True, True, "")
    assert "SKIPPED on staging: app 9.0.0, database of no version" in found.summary
    assert "It is row 1 of the audit log." in found.summary
    with psycopg.connect(shaped) as connection:
        row = connection.execute("select event, environment, gate, note from runbooks.audit_log").fetchone()
    assert row is not None
    assert row[:3] == ("skipped", "staging", "schema-guard")
    assert "SKIPPED on staging" in row[3]
