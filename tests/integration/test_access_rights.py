"""The review of rights on tables on a real server: as declared, one too many, found and named, taken away, gone."""

from __future__ import annotations

import pytest

from ops import access_rights
from tests.fix_access import DECLARED, looked, named, statements
from tests.fix_checks import Checkup
from tests.fix_own_server import server  # noqa: F401  # a fixture is found by its name

TABLES = "create table public.{0} (id integer primary key, secret text)"
PLACE = "[environments.production.access.roles.member.tables]"


@pytest.fixture
def shop(team: Checkup) -> Checkup:
    """A database with seven tables, of which a declared role may read all, and write one."""
    for number in range(7):
        team.sql(TABLES.format(f"t{number}"))
    team.configure(
        DECLARED.format(expose="true") + f'{PLACE}\npublic = ["select"]\n"public.t1" = ["insert"]\n'
    )
    team.sql("grant select on all tables in schema public to member; grant insert on public.t1 to member")
    return team


@pytest.mark.parametrize(
    ("breaking", "says"),
    [
        ("grant insert on public.t2 to member", "may insert on t2 of public"),
        ("grant update (secret) on public.t2 to member", "may update on t2 of public"),
        ("alter table public.t2 owner to member", "The role member owns t2 of public"),
        (
            "grant all on all tables in schema public to member",
            "on t0, t1, t2, t3, t4 and 2 more tables of public",
        ),
    ],
)
def test_a_right_on_tables_too_many_is_one_finding_of_a_schema_and_gone_by_what_is_told(
    shop: Checkup, breaking: str, says: str
):
    assert looked(shop, access_rights.check_table_rights) == []
    shop.sql(breaking)
    (found,) = looked(shop, access_rights.check_table_rights)
    assert (found.kind, found.object, found.severity) == ("role-table-rights", "member public", "failed")
    assert says in found.said
    assert PLACE in found.todo
    shop.sql(statements(found))
    assert looked(shop, access_rights.check_table_rights) == []
    kept = shop.sql(
        "select privilege_type::text from information_schema.role_table_grants "
        "where grantee = 'member' and table_name = 't1' order by 1"
    )
    assert kept == [("INSERT",), ("SELECT",)]


def test_who_is_declared_the_owner_of_a_table_may_all_of_it_and_who_may_all_is_not_its_owner(shop: Checkup):
    declared = DECLARED.format(expose="true") + f'{PLACE}\npublic = ["{{}}"]\n'
    shop.configure(declared.format("owner"))
    shop.sql("alter table public.t2 owner to member; grant all on all tables in schema public to member")
    assert looked(shop, access_rights.check_table_rights) == []
    shop.configure(declared.format("all"))
    (found,) = looked(shop, access_rights.check_table_rights)
    assert "The role member owns t2 of public" in found.said
    shop.sql(statements(found))
    assert looked(shop, access_rights.check_table_rights) == []


def test_what_an_undeclared_role_and_everybody_may_is_told_for_each_schema(shop: Checkup):
    shop.sql('create schema app; create table app."Odd" (id integer); create role "Odd name"')
    shop.sql(
        'grant all on all tables in schema public, app to "Odd name"; grant select on public.t3 to public'
    )
    found = looked(shop, access_rights.check_table_rights)
    assert named(found) == [
        ("role-table-rights", "Odd name app", "attention"),
        ("role-table-rights", "Odd name public", "attention"),
        ("role-table-rights", "PUBLIC public", "attention"),
    ]
    assert "all tables in schema" in found[1].todo
    for each in found:
        shop.sql(statements(each))
    assert looked(shop, access_rights.check_table_rights) == []


def test_what_a_declared_role_is_given_on_tables_to_come_is_held_against_its_declaration(shop: Checkup):
    given = "alter default privileges for role postgres in schema public grant {} on tables to member"
    shop.sql(given.format("select"))
    assert looked(shop, access_rights.check_default_privileges) == []
    shop.sql(given.format("insert"))
    (found,) = looked(shop, access_rights.check_default_privileges)
    assert (found.kind, found.object) == ("default-privileges", "postgres public tables member")
    shop.sql(statements(found))
    assert looked(shop, access_rights.check_default_privileges) == []


def test_what_new_tables_are_given_to_everybody_is_found(shop: Checkup):
    assert looked(shop, access_rights.check_default_privileges) == []
    shop.sql("alter default privileges in schema public grant select on tables to public")
    (found,) = looked(shop, access_rights.check_default_privileges)
    assert (found.kind, found.severity) == ("default-privileges", "attention")
    assert found.object.endswith("public tables PUBLIC")
    shop.sql(statements(found))
    assert looked(shop, access_rights.check_default_privileges) == []


def test_who_wants_no_new_table_exposed_hears_what_the_platform_gives_by_default(shop: Checkup):
    shop.configure(DECLARED.format(expose="false"))
    found = looked(shop, access_rights.check_default_privileges)
    assert {each.kind for each in found} == {"default-privileges"}
    assert any(each.object.endswith("public tables anon") for each in found)
    for each in found:
        shop.sql(statements(each))
    assert looked(shop, access_rights.check_default_privileges) == []
