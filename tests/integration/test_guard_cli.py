"""`runbooks guard` as an app's start-up runs it: exit codes, one line, JSON, and what skipping it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests import fix_command, fix_pgbouncer, projects
from tests.fix_people import Site

REASON = "the shop is down and the migration is broken"
CONFIG = """\
[schema_guard]
table = "bot_config"

[environments.staging]
database = "env:PRODUCTION"

[environments.production]
database = "env:PRODUCTION"
guarded = true
break_glass = true
audit_key = "env:AUDIT_KEY"
approvers = "file:{root}/approvers.json"

[environments.nothing]
"""
TABLE = """\
create table public.bot_config (config_key text, config_value jsonb);
insert into public.bot_config values ('schema_version', '{"version": "1.1.0"}');
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shaped: str) -> Site:
    for name in ("APP_SCHEMA_VERSION", "SKIP_SCHEMA_GUARD"):
        monkeypatch.delenv(name, raising=False)
    projects.write(tmp_path / "shop", migrations={}, config=CONFIG.format(root=tmp_path))
    with psycopg.connect(shaped, autocommit=True) as connection:
        connection.execute(TABLE)
    return Site(tmp_path, monkeypatch, shaped)


def guard(
    site: Site, *words: str | Path, environment: str = "production", **variables: str
) -> subprocess.CompletedProcess[str]:
    return fix_command.run("guard", site.root, "--environment", environment, *words, **variables)


def broken(site: Site, name: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    code = site.code(name, datetime.now(UTC))
    how = ("--break-glass", REASON, "--as", name, "--code", "env:CODE")
    return guard(site, *how, *words, **{"CODE": code, "APP_SCHEMA_VERSION": "1.2.0", **variables})


def change(site: Site, old: str, new: str) -> None:
    file = site.root / "runbooks.toml"
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("version", "code", "line"),
    [
        ("1.1.0", 0, "Compatible: app 1.1.0, database 1.1.0: the versions are the same.\n"),
        ("1.0.9", 0, "Compatible: app 1.0.9, database 1.1.0: the database is newer within"),
        ("1.1.1", 1, "Incompatible: app 1.1.1, database 1.1.0: the app is newer, run migrations."),
        ("2.0.0", 1, "Incompatible: app 2.0.0, database 1.1.0: version conflict"),
    ],
)
def test_one_line_and_one_code(site: Site, tmp_path: Path, version: str, code: int, line: str) -> None:
    result = tmp_path / "result.json"
    done = guard(site, "--json", result, APP_SCHEMA_VERSION=version)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.startswith(line)
    assert done.stdout.count("\n") == 1
    found = json.loads(result.read_text())
    assert (found["verdict"], found["app"], found["database"]) == (
        ("passed", "failed")[code],
        version,
        "1.1.0",
    )
    assert found["summary"] in done.stdout
    assert site.root.joinpath("artifacts").exists() is False


@pytest.mark.parametrize(
    ("environment", "variables", "said"),
    [
        ("production", {}, "APP_SCHEMA_VERSION is not set"),
        ("production", {"APP_SCHEMA_VERSION": "v1.0.0"}, "APP_SCHEMA_VERSION is 'v1.0.0'"),
        ("production", {"APP_SCHEMA_VERSION": "1.1.0", "SKIP_SCHEMA_GUARD": "yes"}, "neither yes nor no"),
        ("nothing", {"APP_SCHEMA_VERSION": "1.1.0"}, "'nothing' has no database"),
        ("prod", {"APP_SCHEMA_VERSION": "1.1.0"}, "has no environment"),
    ],
)
def test_what_is_refused_ends_with_two(
    site: Site, environment: str, variables: dict[str, str], said: str
) -> None:
    done = guard(site, "--json", "-", environment=environment, **variables)
    assert done.returncode == 2
    assert said in done.stderr
    assert json.loads(done.stdout)["verdict"] == "refused"


def test_a_database_that_does_not_answer_ends_with_three(site: Site) -> None:
    dsn = f"postgresql://postgres:hunter2hunter2@127.0.0.1:{fix_pgbouncer.free_port()}/postgres"
    done = guard(site, APP_SCHEMA_VERSION="1.1.0", PRODUCTION=dsn)
    assert done.returncode == 3
    assert "hunter2" not in done.stdout + done.stderr
    skipped = {"APP_SCHEMA_VERSION": "1.1.0", "PRODUCTION": dsn, "SKIP_SCHEMA_GUARD": "1"}
    assert guard(site, **skipped).returncode == 3
    loud = guard(site, environment="staging", **skipped)
    assert (loud.returncode, loud.stdout) == (0, "")
    assert "WARNING: SKIP_SCHEMA_GUARD is set" in loud.stderr
    assert "This is in no audit log" in loud.stderr
    assert "hunter2" not in loud.stderr


def test_where_it_is_not_guarded_skipping_is_loud_and_written_down(site: Site) -> None:
    done = guard(site, environment="staging", APP_SCHEMA_VERSION="9.0.0", SKIP_SCHEMA_GUARD="true")
    assert (done.returncode, done.stdout) == (0, "")
    assert "WARNING: SKIP_SCHEMA_GUARD is set" in done.stderr
    assert "app 9.0.0, database 1.1.0" in done.stderr
    assert site.rows() == [("skipped", "")]


def test_where_it_is_guarded_skipping_takes_a_broken_glass_for_these_versions(site: Site) -> None:
    skip = {"SKIP_SCHEMA_GUARD": "true", "APP_SCHEMA_VERSION": "1.2.0"}
    refused = guard(site, **skip)
    assert refused.returncode == 2
    assert "before somebody has broken the glass for app 1.2.0, database 1.1.0" in refused.stderr
    glass = broken(site, "ada")
    assert (glass.returncode, glass.stderr) == (0, "")
    assert "Row 1: ada lets the schema guard be skipped on production" in glass.stdout
    done = guard(site, "--json", "-", **skip)
    assert done.returncode == 0
    assert f"ada broke the glass for it (row 1): {REASON}" in done.stderr
    assert json.loads(done.stdout)["skipped"] is True
    assert site.rows() == [("break-glass", "ada"), ("skipped", "")]
    assert guard(site, **{**skip, "APP_SCHEMA_VERSION": "1.3.0"}).returncode == 2
    assert guard(site, APP_SCHEMA_VERSION="1.2.0").returncode == 1
    with psycopg.connect(site.dsn, autocommit=True) as connection:
        connection.execute("""update public.bot_config set config_value = '{"version": "1.1.1"}'""")
    assert guard(site, **skip).returncode == 2
    shown = fix_command.run("audit", "show", "--environment", "production", "--project", site.root)
    assert "Row 1 waits for a review" in shown.stderr
    assert fix_command.run(
        "audit", "verify", "--environment", "production", "--project", site.root
    ).returncode == 0  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("break_glass = true", "break_glass = false", "it has no glass to break"),
        ('audit_key = "env:AUDIT_KEY"', "", "it has no glass to break"),
        ('env:AUDIT_KEY"', 'env:OTHER_KEY"', "was changed, or hashed with another key"),
        ("guarded = true", 'guarded = true\napproval_window = "PT0.000001S"', "longer ago than"),
        ("environments.production", "environments.other", "before somebody has broken the glass"),
    ],
)
def test_a_glass_counts_where_it_was_broken_and_can_be_proven(
    site: Site, old: str, new: str, said: str
) -> None:
    assert broken(site, "grace").returncode == 0
    change(site, old, new)
    name = "other" if "other" in new else "production"
    skip = {"SKIP_SCHEMA_GUARD": "true", "APP_SCHEMA_VERSION": "1.2.0", "OTHER_KEY": "another-fake-key"}
    done = guard(site, environment=name, **skip)
    assert done.returncode == 2
    assert said in done.stderr
    assert site.rows() == [("break-glass", "grace")]


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (("--as", "linus", "--break-glass", "short"), {}, "a reason of at least"),
        (("--as", "linus"), {"CODE": "000000"}, "its code is not right"),
        (("--as", "eve"), {}, "its code is not right"),
        (("--as", ""), {}, "Say it with --as NAME"),
        (("--as", "linus"), {"APP_SCHEMA_VERSION": ""}, "Give it with --app-version"),
    ],
)
def test_a_glass_is_not_broken_by_halves(
    site: Site, words: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    done = broken(site, "linus", *words, **variables)
    assert done.returncode == 2
    assert said in done.stderr


def test_an_app_start_does_not_wait_for_what_it_does_not_need() -> None:
    loaded = "import sys, cli.main, cli.guard; print({'prefect', 'httpx', 'supabase'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", loaded], cwd=fix_command.ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
