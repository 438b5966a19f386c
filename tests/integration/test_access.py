"""The access review on a real server: as declared, one right too many, found and named, taken away, gone."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest

from ops import access, access_platform, access_rights
from tests.fix_access import DECLARED, looked, named, statements
from tests.fix_checks import Checkup
from tests.fix_own_server import server  # noqa: F401  # a fixture is found by its name


def test_a_fresh_database_has_what_the_platform_gives_and_no_more(checkup: Checkup):
    checks = (access.check_roles, access_rights.check_table_rights, access_rights.check_default_privileges)
    assert looked(checkup, *checks) == []
    roles = {name for (name,) in checkup.sql("select rolname from pg_roles where rolname !~ '^pg_'")}
    assert roles <= access_platform.ROLES.keys()


@pytest.mark.parametrize(
    ("breaking", "kind", "role", "says"),
    [
        ("alter role member login", "role-login", "member", "may log in"),
        ("alter role member bypassrls", "role-bypass-rls", "member", "passes row level security by"),
        ("alter role member superuser", "role-superuser", "member", "is a superuser"),
        ("alter role service_role login", "role-login", "service_role", "may log in"),
        ("alter role authenticator bypassrls", "role-bypass-rls", "authenticator", "passes row level"),
        ("alter role postgres superuser", "role-superuser", "postgres", "is a superuser"),
        ("alter role supabase_realtime_admin createrole", "role-create-role", "supabase_realtime_admin", ""),
        ("alter role pgbouncer replication", "role-replication", "pgbouncer", "as a replica"),
        ("alter role anon bypassrls", "role-bypass-rls", "anon", "passes row level security by"),
        (
            "grant service_role to member",
            "role-member-of-service-role",
            "member",
            "(member → service_role: BYPASSRLS)",
        ),
        (
            "grant service_role to authenticated",
            "role-member-of-service-role",
            "authenticated",
            "(authenticated → service_role: BYPASSRLS)",
        ),
        (
            "grant supabase_admin to authenticator",
            "role-member-of-supabase-admin",
            "authenticator",
            "(authenticator → supabase_admin: superuser)",
        ),
        (
            "grant pg_execute_server_program to service_role",
            "role-member-of-pg-execute-server-program",
            "service_role",
            "(service_role → pg_execute_server_program: runs programs on the server)",
        ),
        (
            "grant pg_write_all_data to member with inherit true, set false",
            "role-member-of-pg-write-all-data",
            "member",
            "(member → pg_write_all_data: writes every table)",
        ),
        # Who may hand a role on to itself becomes it in two statements.
        (
            "grant supabase_admin to member with admin true, inherit false, set false",
            "role-member-of-supabase-admin",
            "member",
            "(member → supabase_admin: superuser)",
        ),
        # An attribute is nobody's by inheritance: this one reads nothing more and becomes nobody.
        (
            "grant supabase_read_only_user to member with inherit true, set false",
            "role-member-of-supabase-read-only-user",
            "member",
            "(member → supabase_read_only_user → pg_read_all_data: reads every table)",
        ),
        (
            "grant authenticated to member with admin option",
            "role-admin-of-authenticated",
            "member",
            "may make others a member of authenticated",
        ),
        (
            "grant service_role to authenticator with admin option",
            "role-admin-of-service-role",
            "authenticator",
            "may make others a member of service_role",
        ),
        (
            "grant service_role to authenticator with inherit true",
            "role-inherits-service-role",
            "authenticator",
            "has the rights of service_role at once",
        ),
        (
            "set role postgres; grant service_role to member",
            "role-member-of-service-role",
            "member",
            "(member → service_role: BYPASSRLS)",
        ),
    ],
)
def test_more_than_was_decided_is_found_and_gone_by_the_statement_that_is_told(
    team: Checkup, breaking: str, kind: str, role: str, says: str
):
    assert looked(team, access.check_roles) == []
    team.sql(breaking)
    (found,) = looked(team, access.check_roles)
    assert (found.kind, found.object, found.severity) == (kind, role, "failed")
    assert says in found.said
    team.sql(statements(found))
    assert looked(team, access.check_roles) == []


@pytest.mark.parametrize(
    ("breaking", "severity", "says"),
    [
        ("create role stranger", "note", "may nothing by itself"),
        ("create role stranger login", "attention", "may log in"),
        ("create role stranger; grant authenticated to stranger", "attention", "acts as authenticated"),
        ("create role stranger replication", "failed", "may read everything as a replica"),
        (
            "create role stranger login; grant supabase_admin to stranger",
            "failed",
            "may log in, by its memberships (stranger → supabase_admin: superuser)",
        ),
        (
            "create role stranger; grant authenticator to stranger",
            "failed",
            "stranger → authenticator → service_role: BYPASSRLS",
        ),
        (
            "create role stranger; grant postgres to stranger with inherit true, set false",
            "failed",
            "(stranger → postgres: owner of its tables; ",
        ),
        (
            "create role stranger; grant pg_write_all_data to stranger",
            "failed",
            "(stranger → pg_write_all_data: writes every table)",
        ),
    ],
)
def test_a_role_that_nobody_has_declared_is_found_with_all_that_it_may(
    team: Checkup, breaking: str, severity: str, says: str
):
    team.sql(breaking)
    (found,) = looked(team, access.check_roles)
    assert (found.kind, found.object, found.severity) == ("role-not-declared", "stranger", severity)
    assert says in found.said
    assert "[environments.production.access.roles.stranger]" in found.todo
    team.sql(statements(found))
    assert looked(team, access.check_roles) == []


def test_a_path_over_a_role_that_nobody_has_declared_is_told_where_it_begins(team: Checkup):
    team.sql("create role stranger; grant supabase_admin to stranger; grant stranger to member")
    first, second = looked(team, access.check_roles)
    assert (first.kind, first.object) == ("role-member-of-stranger", "member")
    assert "(member → stranger → supabase_admin: superuser)" in first.said
    assert (second.kind, second.object) == ("role-not-declared", "stranger")
    team.sql(statements(first))
    team.sql(statements(second))
    assert looked(team, access.check_roles) == []


@pytest.mark.parametrize(
    ("options", "reaches"),
    [
        # The server itself says no to who neither becomes the role between nor is an admin by it.
        ("with set true", False),
        ("with admin true, set false", True),
    ],
)
def test_who_only_inherits_becomes_somebody_only_as_an_admin(team: Checkup, options: str, *, reaches: bool):
    team.sql("create role stranger; grant stranger to member with inherit true, set false")
    team.sql(f"grant supabase_read_only_user to stranger {options}")
    found = next(each for each in looked(team, access.check_roles) if each.object == "member")
    assert ("member → stranger → supabase_read_only_user: BYPASSRLS" in found.said) == reaches
    tried = "set role member; grant supabase_read_only_user to member; set role supabase_read_only_user"
    if reaches:
        team.sql(tried)
        team.sql("revoke supabase_read_only_user from member granted by stranger")
    else:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            team.sql(tried)


def test_what_is_declared_for_a_role_of_the_platform_is_no_finding(team: Checkup):
    team.sql("grant member to authenticator")
    (found,) = looked(team, access.check_roles)
    assert (found.kind, found.object) == ("role-member-of-member", "authenticator")
    team.configure(
        DECLARED.format(expose="true")
        + '[environments.production.access.roles.authenticator]\nmember_of = ["member"]\n'
    )
    assert looked(team, access.check_roles) == []


def test_nothing_that_is_declared_lets_a_visitor_pass_policies_by(team: Checkup):
    team.configure("[environments.production.access.roles.anon]\nbypass_rls = true\nlogin = true")
    team.sql("alter role anon bypassrls; drop role member")
    assert [each.kind for each in looked(team, access.check_roles)] == [
        "role-bypass-rls",
        "role-cannot-log-in",
    ]


def test_roles_that_the_owner_makes_are_judged_themselves_and_not_as_its_memberships(team: Checkup):
    team.sql("drop role member; set role postgres; create role member; grant authenticated to member")
    assert looked(team, access.check_roles) == []


def test_a_declared_role_that_is_gone_is_found(team: Checkup):
    team.sql("drop role member")
    (found,) = looked(team, access.check_roles)
    assert (found.kind, found.object, found.severity) == ("role-missing", "member", "failed")
    assert "[environments.production.access]" in found.todo
    team.sql("create role member; grant authenticated to member")
    assert looked(team, access.check_roles) == []


@pytest.mark.parametrize(
    ("breaking", "kind", "says"),
    [
        ('alter role "Odd name" nologin', "role-cannot-log-in", "may not log in and is declared to"),
        ("alter role \"Odd name\" valid until '2020-01-02'", "role-expired", "since 2020-01-02"),
    ],
)
def test_a_login_that_is_refused_is_found_with_the_statement_that_lets_it_in(
    team: Checkup, breaking: str, kind: str, says: str
):
    team.configure('[environments.production.access.roles."Odd name"]\nlogin = true')
    team.sql('drop role member; create role "Odd name" login')
    assert looked(team, access.check_roles) == []
    team.sql(breaking)
    (found,) = looked(team, access.check_roles)
    assert (found.kind, found.object, found.severity) == (kind, "Odd name", "attention")
    assert says in found.said
    assert found.why == "Whoever uses it is refused."
    team.sql(statements(found))
    assert looked(team, access.check_roles) == []


@pytest.mark.parametrize(
    ("age", "expected"),
    [(89, []), (90, []), (91, ["attention"]), (180, ["attention"]), (181, ["failed"])],
)
def test_a_secret_is_rotated_in_its_time(checkup: Checkup, age: int, expected: list[str]):
    def configure(days: int) -> None:
        rotated = date.today() - timedelta(days=days)
        checkup.configure(
            f'[environments.production.access.secrets."service role"]\nrotated = {rotated}\nevery = "90 days"'
        )

    configure(0)
    assert looked(checkup, access.check_secrets) == []
    configure(age)
    found = looked(checkup, access.check_secrets)
    assert named(found) == [("secret-not-rotated", "service role", severity) for severity in expected]
    assert all('[environments.production.access.secrets."service role"]' in each.todo for each in found)
    configure(0)
    assert looked(checkup, access.check_secrets) == []
