"""`runbooks lint` and `runbooks rls` as processes."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests import fix_command, projects

TABLE = """\
create table public.notes (id bigint generated always as identity primary key, owner_id uuid not null, said text);
alter table public.notes enable row level security;
create policy owners on public.notes for all to authenticated
using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
"""
OPENED = "alter policy owners on public.notes using (true)"
TEAMS = """\
create table public.reports (id bigint generated always as identity primary key, team text not null, said text);
alter table public.reports enable row level security;
create policy teams on public.reports for all to authenticated
using ((auth.jwt() -> 'app_metadata' -> 'teams') ? team);
"""
SAID = """\
[rls.claims]
owner = { app_metadata = { teams = ["red"] } }
other = { app_metadata = { teams = ["blue"] } }

[rls.rows]
owner = { "public.reports" = { team = "red" } }
other = { "public.reports" = { team = "blue" } }
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return projects.write(tmp_path / "app", migrations={})


def run(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.encode())


def test_lint_ends_with_nought_or_names_what_is_wrong(shaped: str, app: Path):
    run(shaped, TABLE)
    well = fix_command.run("lint", "env:DB", "--project", app, DB=shaped)
    assert (well.returncode, well.stderr) == (0, "")
    assert "No lint names anything; the API serves public, graphql_public." in well.stdout
    run(shaped, OPENED)
    broken = fix_command.run("lint", "env:DB", "--project", app, "--json", "-", DB=shaped)
    assert broken.returncode == 1
    (found,) = json.loads(broken.stdout)["findings"]
    assert (found["kind"], found["object"]) == ("rls_policy_always_true", "public.notes owners")
    assert "1 findings" in broken.stderr


def test_a_contract_is_declared_once_and_held_against_the_database(shaped: str, app: Path):
    run(shaped, TABLE)
    contract = app / "supabase" / "rls.contract.json"
    missing = fix_command.run("rls", "check", "env:DB", "--project", app, DB=shaped)
    assert missing.returncode == 2
    assert "runbooks rls declare" in missing.stderr
    declared = fix_command.run("rls", "declare", "env:DB", "--project", app, "--out", contract, DB=shaped)
    assert (declared.returncode, declared.stdout) == (0, "")
    well = fix_command.run("rls", "check", "env:DB", "--project", app, DB=shaped)
    assert (well.returncode, "1 tables do what the contract says." in well.stdout) == (0, True)
    again = fix_command.run("rls", "declare", "env:DB", "--project", app, DB=shaped)
    assert again.stdout == contract.read_text("utf-8")

    run(shaped, OPENED)
    broken = fix_command.run(
        "rls", "check", "env:DB", "--project", app, "--json", app / "found.json", DB=shaped
    )
    assert broken.returncode == 1
    assert "Somebody else who is signed in can read a row of the owner's in public.notes" in broken.stdout
    found = json.loads((app / "found.json").read_text("utf-8"))
    assert {each["kind"] for each in found["findings"]} == {"rls-too-wide", "rls-policy-changed"}


def test_what_a_contract_cannot_tell_is_said_by_declare_and_found_by_check(shaped: str, app: Path):
    run(shaped, TEAMS)
    contract = app / "supabase" / "rls.contract.json"
    declared = fix_command.run("rls", "declare", "env:DB", "--project", app, "--out", contract, DB=shaped)
    assert declared.returncode == 0
    assert "The owner can do nothing with a row of public.reports" in declared.stderr
    assert "[rls.claims.owner]" in declared.stderr
    held = fix_command.run("rls", "check", "env:DB", "--project", app, DB=shaped)
    assert (held.returncode, "attention: rls-owner-powerless" in held.stdout) == (1, True)

    (app / "runbooks.toml").write_text(SAID, "utf-8")
    stale = fix_command.run("rls", "check", "env:DB", "--project", app, DB=shaped)
    assert "rls-too-wide: The owner can read the own row in public.reports" in stale.stdout
    again = fix_command.run("rls", "declare", "env:DB", "--project", app, "--out", contract, DB=shaped)
    assert (again.returncode, again.stderr) == (0, "")
    well = fix_command.run("rls", "check", "env:DB", "--project", app, DB=shaped)
    assert (well.returncode, well.stderr) == (0, "")


def test_a_database_that_does_not_answer_is_unavailable(app: Path):
    gone = fix_command.run("lint", "env:DB", "--project", app, DB="postgresql://nobody@127.0.0.1:1/none")
    assert gone.returncode == 3
