"""`runbooks rls prove`: each policy broken in each way on a throw-away database, and what the contract misses named."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from ops import database, errors, project, rls_contract, rls_proof, rls_trial
from ops.rls_proof import Proof
from tests import fix_command, projects

EXAMPLE = Path(__file__).parents[2] / "examples" / "storefront"
TEAMS = """\
create table public.teams (id uuid primary key default gen_random_uuid(), name text not null);
create table public.members (
    team_id uuid references public.teams (id), user_id uuid references auth.users (id), primary key (team_id, user_id)
);
create table public.plans (
    id bigint generated always as identity primary key, team_id uuid not null references public.teams (id), said text
);
alter table public.teams enable row level security;
alter table public.members enable row level security;
alter table public.plans enable row level security;
create policy "people read where they belong" on public.members for select to authenticated
using (user_id = (select auth.uid()));
create policy "members read their team" on public.teams for select to authenticated
using (id in (select team_id from public.members where user_id = (select auth.uid())));
create policy "members do all with plans" on public.plans for all to authenticated
using (team_id in (select team_id from public.members where user_id = (select auth.uid())));
"""
TWICE = """\
create policy "members read plans" on public.plans for select to authenticated
using (team_id in (select team_id from public.members where user_id = (select auth.uid())));
"""


@pytest.fixture
def teams(tmp_path: Path, shaped: str) -> Path:
    """A project with its contract."""
    root = projects.write(tmp_path / "teams", migrations={"20260101000000_teams": TEAMS})
    declare(root, shaped, TEAMS)
    return root


def declare(root: Path, dsn: str, text: str) -> None:
    """Commit the contract of a database with these tables."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.encode())
    with database.connect(dsn) as connection:
        found = rls_trial.run(connection, schemas=["public"], samples={}).contract
    (root / rls_contract.CONVENTION).write_text(rls_contract.text(found), "utf-8")


def proven(root: Path) -> Proof:
    declared = rls_contract.read(root / rls_contract.CONVENTION)
    return rls_proof.prove(project.load(root), declared, run="test", told=lambda _: None)


def test_a_contract_that_notices_everything_is_proven(teams: Path):
    found = proven(teams)
    assert (found.policies, found.survivors, found.known) == (3, [], [])
    # Three are dropped, opened, closed and widened; one has a check beside.
    assert (found.tried, len(found.asking)) == (13, 3)


def test_what_a_contract_is_silent_of_survives(teams: Path):
    file = teams / rls_contract.CONVENTION
    silent = json.loads(file.read_text("utf-8"))
    for acts in silent["tables"]["public.plans"]["acts"].values():
        acts |= {"move": "untried", "insert": "untried"}
    file.write_text(json.dumps(silent), "utf-8")
    found = fix_command.run("rls", "prove", teams)
    assert found.returncode == 1
    assert 'survived: "members do all with plans" of public.plans: WITH CHECK (true)' in found.stdout
    assert found.stdout.count("survived: ") == 1
    assert "3 policies were broken in 13 ways" in found.stdout
    assert "runbooks rls declare" in found.stdout


def test_a_policy_that_does_nothing_beside_another_survives_until_that_is_known(teams: Path, shaped: str):
    projects.write(teams, migrations={"20260102000000_twice": TWICE})
    declare(teams, shaped, TWICE)
    found = proven(teams)
    assert {str(each) for each in found.survivors} == {
        '"members read plans" of public.plans: dropped',
        '"members read plans" of public.plans: USING (false)',
    }
    (teams / "runbooks.toml").write_text('[rls]\nknown = ["public.plans members read *"]\n', "utf-8")
    again = proven(teams)
    assert (again.survivors, len(again.known)) == ([], 2)


def test_nothing_is_broken_where_the_contract_does_not_hold(teams: Path):
    projects.write(
        teams,
        migrations={
            "20260102000000_open": 'alter policy "members read their team" on public.teams using (true);'
        },
    )
    with pytest.raises(
        errors.CheckFailed, match=r"does not hold on the project's own migrations.*public.teams"
    ):
        proven(teams)


def test_a_migration_that_does_not_apply_is_said(teams: Path):
    projects.write(teams, migrations={"20260102000000_wrong": "alter table public.nowhere add column a int;"})
    found = fix_command.run("rls", "prove", teams)
    assert (found.returncode, "20260102000000_wrong.sql does not apply" in found.stderr) == (1, True)


def test_the_contract_of_the_example_is_proven():
    found = fix_command.run("rls", "prove", EXAMPLE)
    assert (found.returncode, "survived" in found.stdout) == (0, False)
    assert "18 policies were broken in 70 ways" in found.stdout
