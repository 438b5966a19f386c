"""The contract of row level security: tried as each role, and each policy of an example broken once is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from ops import database, errors, rls_contract, rls_trial
from ops.checks import Finding
from ops.rls_contract import RlsContract

EXAMPLE_PROJECT = Path(__file__).parents[2] / "examples" / "storefront"
EXAMPLE = """\
create table public.projects (
    id bigint generated always as identity primary key,
    owner_id uuid not null references auth.users (id),
    title text not null,
    stars bigint not null default 0
);
create table public.tasks (
    id bigint generated always as identity primary key,
    project_id bigint not null references public.projects (id) on delete cascade,
    said text not null
);
create table public.tags (name text primary key, note text not null default '');
alter table public.projects enable row level security;
alter table public.tasks enable row level security;
alter table public.tags enable row level security;
create policy "owners read" on public.projects for select to authenticated using (owner_id = (select auth.uid()));
create policy "owners add" on public.projects for insert to authenticated
with check (owner_id = (select auth.uid()));
create policy "owners change" on public.projects for update to authenticated
using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
create policy "owners remove" on public.projects for delete to authenticated using (owner_id = (select auth.uid()));
create policy "owners do all with tasks" on public.tasks for all to authenticated
using (exists (select from public.projects p where p.id = project_id and p.owner_id = (select auth.uid())))
with check (exists (select from public.projects p where p.id = project_id and p.owner_id = (select auth.uid())));
create policy "who has signed in reads tags" on public.tags for select to authenticated using (true);
"""
POLICIES = {
    "owners read": ("projects", True, False),
    "owners add": ("projects", False, True),
    "owners change": ("projects", True, True),
    "owners remove": ("projects", True, False),
    "owners do all with tasks": ("tasks", True, True),
    "who has signed in reads tags": ("tags", True, False),
}


def mutants() -> Iterator[tuple[str, str, bool]]:
    """Yield each way of breaking each policy once, and whether somebody can do otherwise than before by it."""
    for policy, (table, using, check) in POLICIES.items():
        on = f'"{policy}" on public.{table}'
        yield f"drop policy {on}", f"drop {policy}", True
        if using and policy != "who has signed in reads tags":
            yield f"alter policy {on} using (true)", f"open USING of {policy}", True
        if check:
            yield f"alter policy {on} with check (true)", f"open WITH CHECK of {policy}", True
        # Who has not signed in is nobody's owner, so that only a policy that asks for none opens by this.
        yield f"alter policy {on} to public", f"widen {policy}", table == "tags"


MUTANTS = list(mutants())


def tried(dsn: str, **limits: int) -> RlsContract:
    with database.connect(dsn) as connection:
        return rls_trial.run(connection, schemas=["public"], samples={}, **limits).contract


def run(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.encode())


def kinds(found: tuple[Finding, ...]) -> set[str]:
    return {each.kind for each in found}


@pytest.fixture
def example(shaped: str) -> str:
    run(shaped, EXAMPLE)
    return shaped


def test_what_each_role_can_do_is_what_the_policies_say(example: str):
    found = tried(example).tables
    assert {name: table.moved_by for name, table in found.items()} == {
        "public.projects": "owner_id",
        "public.tags": None,
        "public.tasks": "project_id",
    }
    for name in ("public.projects", "public.tasks"):
        acts = found[name].acts
        assert acts["owner"].model_dump() == {
            "read": "yes",
            "insert": "yes",
            "update": "yes",
            "delete": "yes",
            "move": "refused",
        }
        assert "yes" not in acts["other"].model_dump().values()
        assert "yes" not in acts["anon"].model_dump().values()
        assert set(acts["service_role"].model_dump().values()) == {"yes"}
    assert [found["public.tags"].acts[role].read for role in rls_contract.ROLES] == [
        "no",
        "yes",
        "yes",
        "yes",
    ]


@pytest.mark.parametrize(("broken", "behaves"), [(m[0], m[2]) for m in MUTANTS], ids=[m[1] for m in MUTANTS])
def test_each_policy_broken_once_is_noticed(example: str, broken: str, behaves: bool):
    declared = tried(example)
    assert rls_contract.compare(declared, tried(example)) == ()
    run(example, broken)
    found = kinds(rls_contract.compare(declared, tried(example)))
    assert "rls-policy-changed" in found
    assert bool(found & {"rls-too-wide", "rls-too-narrow"}) == behaves


def test_a_check_that_is_taken_away_is_noticed_where_it_held_more_than_using(example: str):
    run(
        example, 'alter policy "owners change" on public.projects using (stars >= 0 or owner_id = auth.uid())'
    )
    declared = tried(example)
    assert declared.tables["public.projects"].acts["other"].move == "yes"
    assert declared.tables["public.projects"].acts["owner"].move == "refused"
    run(
        example,
        'drop policy "owners change" on public.projects; create policy "owners change" on public.projects '
        "for update to authenticated using (stars >= 0 or owner_id = auth.uid())",
    )
    found = rls_contract.compare(declared, tried(example))
    assert "public.projects owner move" in {each.object for each in found if each.kind == "rls-too-wide"}


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        ("alter table public.projects disable row level security", "rls-switched-off"),
        ("create table public.late (id int primary key)", "rls-not-declared"),
        ("drop table public.tags", "rls-table-gone"),
        ("create policy late on public.tags for select to anon using (true)", "rls-too-wide"),
        (
            "grant delete on public.tags to anon; create policy l on public.tags for delete using (true)",
            "rls-too-wide",
        ),
        ("revoke update on public.projects from authenticated", "rls-too-narrow"),
    ],
)
def test_what_is_beside_a_policy_is_noticed(example: str, broken: str, kind: str):
    declared = tried(example)
    run(example, broken)
    assert kind in kinds(rls_contract.compare(declared, tried(example)))


def test_nothing_stays_and_what_a_trigger_counts_is_said(example: str, shaped_admin: str):
    run(
        example,
        "create table public.log (id bigint generated always as identity, at timestamptz default now());"
        "create function public.noted() returns trigger language plpgsql as $$ begin "
        "insert into public.log default values; return new; end $$;"
        "create trigger noted after insert on public.tags for each row execute function public.noted()",
    )
    with database.connect(example) as connection:
        trial = rls_trial.run(connection, schemas=["public"], samples={})
    assert "trigger noted of public.tags ran" in trial.touched
    assert any("public.log_id_seq went on" in each for each in trial.touched)
    assert not any("projects_id_seq" in each for each in trial.touched)
    with psycopg.connect(shaped_admin) as connection:
        for table in ("public.projects", "public.tasks", "public.tags", "public.log", "auth.users"):
            assert connection.execute(f"select count(*) from {table}".encode()).fetchone() == (0,)


def test_a_table_that_cannot_be_tried_safely_is_not(example: str):
    run(
        example,
        "insert into public.tags select n::text from generate_series(1, 50) as n;"
        "analyze public.tags, public.projects, public.tasks;"
        "create function public.called() returns trigger language plpgsql as $$ begin "
        "perform dblink('x', 'y'); return new; end $$;"
        "create trigger called after insert on public.tasks for each row execute function public.called()",
    )
    declared = tried(example)
    found = tried(example, most_rows=49)
    assert "more than the 49" in (found.tables["public.tags"].untried or "")
    assert "called" in (found.tables["public.tasks"].untried or "")
    assert [(each.object, each.severity) for each in rls_contract.compare(declared, found)] == [
        ("public.tags", "attention"),
        ("public.tasks", "note"),
    ]


MEMBERSHIP = """\
create table public.tenants (id uuid primary key, name text not null);
create table public.members (tenant_id uuid references public.tenants, user_id uuid, primary key (tenant_id, user_id));
create table public.papers (id bigint primary key, tenant_id uuid not null references public.tenants, said text);
create function public.is_member(asked uuid) returns boolean language plpgsql security definer set search_path = '' as
$$ begin return exists (select from public.members m where m.tenant_id = asked and m.user_id = auth.uid()); end $$;
create view public.mine as select tenant_id from public.members where user_id = auth.uid();
alter table public.papers enable row level security;
create policy members on public.papers for all to authenticated using ({asks});
"""


@pytest.mark.parametrize(
    "asks",
    [
        "exists (select from public.members m where m.tenant_id = papers.tenant_id and m.user_id = auth.uid())",
        "public.is_member(tenant_id)",
        "tenant_id in (select m.tenant_id from public.mine m)",
    ],
)
def test_who_is_a_member_by_another_table_is_one(shaped: str, asks: str):
    run(shaped, MEMBERSHIP.format(asks=asks))
    acts = tried(shaped).tables["public.papers"].acts
    assert [acts[role].read for role in rls_contract.ROLES] == ["no", "yes", "no", "yes"]


def test_a_login_that_may_not_act_for_the_roles_is_refused(example: str, shaped_admin: str):
    run(shaped_admin, "drop role if exists stranger; create role stranger login")
    try:
        with (
            database.connect(conninfo.make_conninfo(example, user="stranger")) as connection,
            pytest.raises(errors.Refused, match="may not act for anon, authenticated, service_role"),
        ):
            rls_trial.run(connection, schemas=["public"], samples={})
    finally:
        run(shaped_admin, "drop role stranger")


def test_a_contract_is_read_as_it_was_written_and_a_mistake_is_named(example: str, tmp_path: Path):
    found = tried(example)
    file = tmp_path / "rls.contract.json"
    file.write_text(rls_contract.text(found), "utf-8")
    assert rls_contract.read(file) == found
    plain = json.loads(file.read_text("utf-8"))
    plain["tables"]["public.tags"]["acts"]["anon"]["read"] = "maybe"
    file.write_text(json.dumps(plain), "utf-8")
    with pytest.raises(errors.Refused, match=r"tables\.public\.tags\.acts\.anon\.read"):
        rls_contract.read(file)
    with pytest.raises(errors.Refused, match="runbooks rls declare"):
        rls_contract.read(tmp_path / "none.json")


def test_a_trigger_that_says_no_is_a_refusal(example: str):
    run(
        example,
        "create function public.kept() returns trigger language plpgsql as $$ begin "
        "if current_user <> 'service_role' then raise exception 'kept for ever'; end if; return old; end $$;"
        "create trigger kept before delete on public.projects for each row execute function public.kept()",
    )
    acts = tried(example).tables["public.projects"].acts
    assert [acts[role].delete for role in rls_contract.ROLES] == ["no", "refused", "no", "yes"]


def test_nobody_is_signed_up_where_that_would_call_another_server(example: str, shaped_admin: str):
    run(
        shaped_admin,
        "create function public.called() returns trigger language plpgsql as $$ begin "
        "perform http_post('x', 'y'); return new; end $$;"
        "create trigger called after insert on auth.users for each row execute function public.called()",
    )
    with pytest.raises(errors.Refused, match=r"Try it on a copy"):
        tried(example)


def test_another_major_version_may_write_a_predicate_in_another_way(example: str):
    found = tried(example)
    elsewhere = found.model_copy(update={"written_by": found.written_by - 1})
    run(example, 'alter policy "owners read" on public.projects using (owner_id = auth.uid())')
    (same,), (other,) = (rls_contract.compare(each, tried(example)) for each in (found, elsewhere))
    assert (same.severity, other.severity) == ("failed", "attention")


def test_the_example_does_what_its_committed_contract_says(storefront: str):
    declared = rls_contract.read(EXAMPLE_PROJECT / rls_contract.CONVENTION)
    assert rls_contract.compare(declared, tried(storefront)) == ()
    run(storefront, 'alter policy "customers read their orders" on public.orders using (true)')
    found = rls_contract.compare(declared, tried(storefront))
    assert "public.orders other read" in {each.object for each in found if each.kind == "rls-too-wide"}
