"""Login, settings by name, and the rights of the role: healthy, broken one at a time, and mended."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from ops import (
    app_settings,
    auth_preflight,
    database,
    deploy_steps,
    embedded,
    errors,
    secrets,
    written_tables,
)
from ops.deploy_verdict import Found
from ops.settings import Deploy
from tests import fix_app, fix_listening

SETTINGS = Deploy(secrets=("DATABASE_URL", "OPENAI_API_KEY"), ai_key="OPENAI_API_KEY")
GOOD = {
    "DATABASE_URL": "postgresql://u:swordfish-9@h/d",
    "OPENAI_API_KEY": "sk-swordfish-10",
    "DATASTORE": "postgres",
}


def settings(root: Path, variables: dict[str, str], deploy: Deploy = SETTINGS) -> dict[str, str]:
    rows = auth_preflight.check_settings(root, deploy, variables)
    assert "swordfish" not in str(rows)
    return {
        row["what"].removeprefix("setting "): row["found"] if row["ok"] else f"WRONG {row['found']}"
        for row in rows
    }


def streamlit(root: Path, text: str) -> None:
    path = root / app_settings.FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")


def test_settings_are_found_in_the_environment_first(tmp_path: Path):
    streamlit(tmp_path, 'OPENAI_API_KEY = "of the file"\n')
    found = settings(tmp_path, GOOD)
    assert found == {
        "DATABASE_URL": "present (environment)",
        "OPENAI_API_KEY": "present (environment)",
        "DATASTORE": "exactly postgres (environment)",
    }


def test_settings_are_found_in_the_apps_own_file_nested_ones_too(tmp_path: Path):
    streamlit(
        tmp_path,
        'DATASTORE = "postgres"\n[database]\nDATABASE_URL = "postgresql://u:swordfish-9@h/d"\n'
        '[ai.keys]\nOPENAI_API_KEY = "sk-swordfish-10"\n[stripe]\ntoken = "st-swordfish-14"\n',
    )
    assert settings(tmp_path, {}) == {
        "DATABASE_URL": "present (.streamlit/secrets.toml as database.DATABASE_URL)",
        "OPENAI_API_KEY": "present (.streamlit/secrets.toml as ai.keys.OPENAI_API_KEY)",
        "DATASTORE": "exactly postgres (.streamlit/secrets.toml)",
    }
    assert "swordfish" not in secrets.redact("it said postgresql://u:swordfish-9@h/d and sk-swordfish-10")
    # Not asked for, and yet the app's own commands could print it.
    assert "swordfish" not in secrets.redact("it said st-swordfish-14")


@pytest.mark.parametrize(
    ("variables", "name", "said"),
    [
        ({"OPENAI_API_KEY": ""}, "OPENAI_API_KEY", "in neither the environment nor"),
        ({"OPENAI_API_KEY": " "}, "OPENAI_API_KEY", "in neither the environment nor"),
        ({"DATASTORE": "Postgres"}, "DATASTORE", "not exactly 'postgres'"),
        ({"DATASTORE": "postgres "}, "DATASTORE", "not exactly 'postgres'"),
        ({"DATASTORE": "sqlite"}, "DATASTORE", "'sqlite' and not exactly"),
        ({"DATASTORE": "postgresql://u:swordfish-9@h/d"}, "DATASTORE", "holds a connection string"),
        ({"DATASTORE": ""}, "DATASTORE", "not set"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said(
    tmp_path: Path, variables: dict[str, str], name: str, said: str
):
    found = settings(tmp_path, {**GOOD, **variables})
    assert found[name].startswith("WRONG")
    assert said in found[name]
    assert sum(each.startswith("WRONG") for each in found.values()) == 1


def test_a_misspelt_setting_is_the_nearest(tmp_path: Path):
    found = settings(tmp_path, {**GOOD, "OPENAI_API_KEY": "", "OPENAI_APIKEY": "swordfish-11"})
    assert found["OPENAI_API_KEY"].endswith("the nearest that there is is OPENAI_APIKEY")


def test_a_file_that_is_no_toml_is_refused_and_not_quoted(tmp_path: Path):
    streamlit(tmp_path, 'DATASTORE = "postgres"\nOPENAI_API_KEY = swordfish-12\n')
    with pytest.raises(errors.Refused, match=r"secrets\.toml cannot be read as TOML at line 2") as raised:
        settings(tmp_path, {})
    assert "swordfish" not in str(raised.value)


def test_an_app_without_a_data_store_setting_says_so(tmp_path: Path):
    assert "DATASTORE" not in settings(
        tmp_path, {**GOOD, "DATASTORE": ""}, SETTINGS.model_copy(update={"datastore": ""})
    )


@pytest.fixture
def app(shaped: str) -> str:
    fix_app.execute(shaped, fix_app.TABLES)
    return shaped


@pytest.fixture
def role(app: str, shaped_admin: str):
    """A role of the app's own with all it needs, and the DSN with which it logs in."""
    name = f"app_{psycopg.conninfo.conninfo_to_dict(app)['dbname']}"
    fix_app.execute(
        shaped_admin,
        f"create role {name} login; grant usage on schema public to {name};"
        f"grant select, insert, update, delete on all tables in schema public to {name};"
        f"grant usage on sequence public.logs_id_seq to {name}; revoke usage on schema public from public",
    )
    yield name, app.replace("postgres@", f"{name}@")
    fix_app.execute(shaped_admin, f"drop owned by {name}; drop role {name}")


def rights(dsn: str, deploy: Deploy | None = None) -> Found:
    with database.connect(dsn) as connection:
        tables = written_tables.find(connection, deploy or Deploy())
        return auth_preflight.evidence(auth_preflight.check_rights(connection, tables), login="Here.")


@pytest.mark.parametrize(
    ("right", "on"),
    [
        *((right, "public.logs") for right in ("select", "insert", "update", "delete")),
        ("insert", "public.chat_history"),
        ("usage", "schema public"),
        ("usage", "sequence public.logs_id_seq"),
    ],
)
def test_a_right_that_is_missing_is_named_until_it_is_granted(
    role: tuple[str, str], shaped_admin: str, right: str, on: str
):
    name, dsn = role
    assert rights(dsn).ok
    fix_app.execute(shaped_admin, f"revoke {right} on {on} from {name}")
    found = rights(dsn)
    assert not found.ok
    assert f"{right} on {on.rpartition(' ')[2]}: not granted to {name}" in found.summary
    assert found.next_steps == (f"Let the owner run: grant {right} on {on} to {name};",)
    fix_app.execute(shaped_admin, found.next_steps[0].removeprefix("Let the owner run: "))
    assert rights(dsn).ok


def test_a_project_with_none_of_the_default_tables_misses_none(shaped: str):
    assert rights(shaped).rows == ()
    assert rights(shaped).ok


def test_a_project_with_some_of_the_default_tables_misses_the_others(app: str):
    fix_app.execute(app, "alter table public.connections rename to conections")
    found = rights(app)
    assert (
        "table connections: does not exist; the nearest that there is is public.conections" in found.summary
    )


def test_a_configured_table_must_be_there(shaped: str):
    assert not rights(shaped, Deploy(tables=("logs",))).ok


def test_a_table_of_another_schema_and_with_a_quoted_name_is_found(shaped: str):
    fix_app.execute(shaped, 'create schema app; create table app."Chat History" (id int)')
    found = rights(shaped, Deploy(tables=("app.Chat History",)))
    assert found.ok
    assert 'select on app."Chat History"' in {row["what"] for row in found.rows}


def test_the_whole_step_logs_in_and_says_as_whom(app: str, tmp_path: Path):
    gate = fix_app.gate(fix_app.write(tmp_path, app))
    found = deploy_steps.check_auth(gate)
    gate.close()
    assert found.ok, found.summary
    assert "as postgres on database" in found.summary


def test_a_refused_login_has_its_triage_and_the_settings_that_are_wrong(
    listening: embedded.Server, no_defaults: None, tmp_path: Path
):
    dsn = fix_listening.address(listening, password="not-the-password")
    gate = fix_app.gate(fix_app.write(tmp_path, dsn, deploy='ai_key = "NO_SUCH_KEY"'))
    with pytest.raises(
        errors.Refused, match=r"password authentication failed.*Next: \(1\) Confirm that DATASTORE"
    ):
        deploy_steps.check_auth(gate)
    assert gate.findings == ["setting NO_SUCH_KEY: in neither the environment nor .streamlit/secrets.toml"]


def test_a_dsn_that_cannot_work_is_refused_with_its_cure(app: str, tmp_path: Path):
    dsn = "postgresql://postgres:x@aws-0-eu.pooler.supabase.com:5432/postgres?sslmode=require"
    with pytest.raises(errors.Refused, match=r"Write postgres\.<project_ref>"):
        deploy_steps.check_auth(fix_app.gate(fix_app.write(tmp_path, dsn)))
