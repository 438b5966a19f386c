"""The trial of row level security where a row is a tenant's: by a membership, by a claim, by what the project says."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from ops import database, errors, project, rls_contract, rls_trial
from ops.rls_settings import RlsTrial
from ops.rls_trial import Trial
from tests import projects

TENANTS = """\
create table public.tenants (id uuid primary key default gen_random_uuid(), name text not null);
create table public.memberships (
    tenant_id uuid not null references public.tenants (id),
    user_id uuid not null references auth.users (id),
    primary key (tenant_id, user_id)
);
create table public.colours (name text primary key);
create table public.documents (
    id bigint generated always as identity primary key,
    tenant_id uuid not null references public.tenants (id),
    created_by uuid references auth.users (id),
    colour text references public.colours (name),
    body text
);
alter table public.tenants enable row level security;
alter table public.memberships enable row level security;
alter table public.documents enable row level security;
alter table public.colours enable row level security;
create policy c on public.colours for select to authenticated using (true);
create policy m on public.memberships for select to authenticated using (user_id = (select auth.uid()));
"""
BY_MEMBERSHIP = f"""{TENANTS}
create policy t on public.tenants for select to authenticated
using (id in (select tenant_id from public.memberships where user_id = (select auth.uid())));
create policy d on public.documents for all to authenticated
using (tenant_id in (select tenant_id from public.memberships where user_id = (select auth.uid())));
"""
MEMBER = f"""{TENANTS}
create schema private;
grant usage on schema private to authenticated;
create function private.is_member(wanted uuid) returns boolean language plpgsql security definer set search_path = ''
as $$ begin return exists (
    select from public.memberships where tenant_id = wanted and user_id = auth.uid()
); end $$;
create policy t on public.tenants for select to authenticated using (private.is_member(id));
create policy d on public.documents for all to authenticated using (private.is_member(tenant_id));
"""
CLAIMS = {
    "nested": "((select auth.jwt()) -> 'app_metadata' ->> 'org')::uuid",
    "plain": "(auth.jwt() ->> 'tenant_id')::uuid",
    "by path": "(auth.jwt() #>> '{app_metadata,org}')::uuid",
    "setting": "(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'tenant_id')::uuid",
    "function": "public.org()",
}
ORG = """\
create function public.org() returns uuid language sql stable
as $$ select ((auth.jwt() -> 'app_metadata') ->> 'org')::uuid $$;
"""
ALL = {"read": "yes", "insert": "yes", "update": "yes", "delete": "yes", "move": "refused"}
ROLES = """\
create table public.reports (id bigint generated always as identity primary key, team text not null, body text);
alter table public.reports enable row level security;
create policy r on public.reports for all to authenticated
using ((auth.jwt() -> 'app_metadata' -> 'teams') ? team);
"""


def by_claim(claim: str, kind: str = "uuid") -> str:
    return (
        f"{ORG}create table public.orgs (id {kind} primary key, name text not null);"
        "alter table public.orgs enable row level security;"
        f"create policy o on public.orgs for select to authenticated using (id = {claim});"
        f"create table public.docs (id bigint generated always as identity primary key, body text,"
        f"org_id {kind} not null references public.orgs (id), created_by uuid references auth.users (id));"
        "alter table public.docs enable row level security;"
        f"create policy d on public.docs for all to authenticated using (org_id = {claim});"
    )


def run(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.encode())


def tried(dsn: str, settings: RlsTrial | None = None) -> Trial:
    with database.connect(dsn) as connection:
        return rls_trial.run(connection, schemas=["public"], samples={}, settings=settings or RlsTrial())


def acts(trial: Trial, table: str, role: str) -> dict[str, str]:
    return trial.contract.tables[table].acts[role].model_dump()


def test_an_act_that_the_server_answers_with_something_else_is_said(shaped: str):
    run(shaped, BY_MEMBERSHIP)
    assert tried(shaped).gaps == ()
    run(
        shaped,
        "create function public.broken() returns trigger language plpgsql as 'begin perform 1 / 0; return new; end';"
        "create trigger broken before update on public.documents for each row execute function public.broken()",
    )
    (gap,) = tried(shaped).gaps
    assert (gap.kind, gap.object) == ("rls-act-untried", "public.documents")
    assert "owner can update" in gap.said
    assert "[deploy.samples]" in gap.todo
    run(shaped, "drop trigger broken on public.documents")
    assert tried(shaped).gaps == ()


@pytest.mark.parametrize("design", [BY_MEMBERSHIP, MEMBER], ids=["in a subquery", "by a function"])
def test_a_row_is_moved_to_the_tenant_of_another_member(shaped: str, design: str):
    run(shaped, design)
    declared = tried(shaped)
    assert {name: each.moved_by for name, each in declared.contract.tables.items()} == {
        "public.colours": None,
        "public.documents": "tenant_id",
        "public.memberships": "user_id",
        "public.tenants": None,
    }
    assert acts(declared, "public.documents", "owner") == ALL
    assert "yes" not in acts(declared, "public.documents", "other").values()
    assert acts(declared, "public.tenants", "owner")["read"] == "yes"
    assert declared.gaps == ()
    run(shaped, "alter policy d on public.documents with check (true)")
    found = rls_contract.compare(declared.contract, tried(shaped).contract)
    assert "public.documents owner move" in {each.object for each in found if each.kind == "rls-too-wide"}


def test_a_membership_that_the_api_does_not_serve_counts(shaped: str):
    run(shaped, BY_MEMBERSHIP)
    run(
        shaped,
        "create schema internal; grant usage on schema internal to authenticated;"
        "alter table public.memberships set schema internal",
    )
    found = tried(shaped)
    assert "internal.memberships" not in found.contract.tables
    assert acts(found, "public.documents", "owner") == ALL
    assert (found.contract.tables["public.documents"].moved_by, found.gaps) == ("tenant_id", ())


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_a_row_is_moved_to_the_tenant_of_another_claim(shaped: str, claim: str):
    run(shaped, by_claim(claim))
    declared = tried(shaped)
    assert declared.contract.tables["public.docs"].moved_by == "org_id"
    assert acts(declared, "public.docs", "owner") == ALL
    assert "yes" not in acts(declared, "public.docs", "other").values()
    assert acts(declared, "public.orgs", "owner")["read"] == "yes"
    assert declared.gaps == ()
    run(shaped, "alter policy d on public.docs with check (true)")
    found = rls_contract.compare(declared.contract, tried(shaped).contract)
    assert "public.docs owner move" in {each.object for each in found if each.kind == "rls-too-wide"}


def test_a_tenant_may_be_counted(shaped: str):
    run(shaped, by_claim("(auth.jwt() ->> 'org')::bigint", kind="bigint"))
    assert acts(tried(shaped), "public.docs", "owner") == ALL


def test_what_cannot_be_made_up_is_said_until_the_project_says_it(shaped: str):
    run(shaped, ROLES)
    silent = tried(shaped)
    assert [(each.kind, each.object, each.severity) for each in silent.gaps] == [
        ("rls-owner-powerless", "public.reports", "attention")
    ]
    assert "[rls.claims.owner]" in silent.gaps[0].todo
    known = tried(shaped, RlsTrial(known=("public.rep*",)))
    assert [each.severity for each in known.gaps] == ["note"]
    given = RlsTrial.model_validate(
        {
            "claims": {
                "owner": {"app_metadata": {"teams": ["red"]}},
                "other": {"app_metadata": {"teams": ["blue"]}},
            },
            "rows": {"owner": {"reports": {"team": "red"}}, "other": {"public.reports": {"team": "blue"}}},
        }
    )
    said = tried(shaped, given)
    assert (said.contract.tables["public.reports"].moved_by, said.gaps) == ("team", ())
    assert acts(said, "public.reports", "owner") == ALL
    assert "yes" not in acts(said, "public.reports", "other").values()


def test_staff_that_is_named_is_tried_and_a_table_of_staff_is_nobody_elses(shaped: str):
    run(
        shaped,
        "create table public.staff (user_id uuid primary key references auth.users (id));"
        "create table public.notes (id bigint generated always as identity primary key, owner_id uuid not null);"
        "alter table public.staff enable row level security; alter table public.notes enable row level security;"
        "create policy s on public.staff for select to authenticated using (user_id = (select auth.uid()));"
        "create policy o on public.notes for select to authenticated using (owner_id = (select auth.uid()));"
        "create policy n on public.notes for select to authenticated"
        " using (exists (select from public.staff s where s.user_id = (select auth.uid())))",
    )
    given = RlsTrial.model_validate({"rows": {"clerk": {"public.staff": {}}}})
    declared = tried(shaped, given)
    read = {role: each.read for role, each in declared.contract.tables["public.notes"].acts.items()}
    assert read == {"owner": "yes", "other": "no", "clerk": "yes", "anon": "no", "service_role": "yes"}
    run(shaped, "drop policy n on public.notes")
    found = rls_contract.compare(declared.contract, tried(shaped, given).contract)
    (narrow,) = [each for each in found if each.kind == "rls-too-narrow"]
    assert narrow.said.startswith("clerk cannot read a row of the owner's in public.notes")
    without = rls_contract.compare(declared.contract, tried(shaped).contract)
    assert "public.notes clerk read" in {each.object for each in without if each.kind == "rls-not-tried"}


def test_a_row_that_is_nobodys_as_far_as_can_be_told_is_said(shaped: str):
    run(
        shaped,
        "create table public.boards (id bigint generated always as identity primary key, title text);"
        "alter table public.boards enable row level security;"
        "create policy b on public.boards for all to authenticated using ((select auth.uid()) is not null)",
    )
    found = tried(shaped)
    assert [(each.kind, each.severity) for each in found.gaps] == [("rls-move-untried", "attention")]
    assert acts(found, "public.boards", "owner")["move"] == "untried"


def test_a_contract_that_is_silent_of_what_is_tried_now_is_found(shaped: str):
    run(shaped, BY_MEMBERSHIP)
    found = tried(shaped).contract
    table = found.tables["public.documents"]
    silent = {role: each.model_copy(update={"move": "untried"}) for role, each in table.acts.items()}
    old = found.model_copy(
        update={"tables": found.tables | {"public.documents": table.model_copy(update={"acts": silent})}}
    )
    (said,) = rls_contract.compare(old, found)
    assert (said.kind, said.severity) == ("rls-not-said", "attention")
    assert "owner cannot move to somebody else" in said.said


def test_a_claim_that_is_the_trials_own_is_refused(tmp_path: Path):
    config = '[rls.claims.owner]\nsub = "somebody"\n'
    root = projects.write(tmp_path / "app", migrations={}, config=config)
    with pytest.raises(errors.Refused, match="sub is the trial's own"):
        project.load(root)
