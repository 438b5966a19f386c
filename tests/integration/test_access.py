"""The access review on a real server: as declared, one right too many, found and named, taken away, gone."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date, timedelta

import pytest

from ops import access
from ops.check_looks import Check
from tests.fix_checks import Checkup
from tests.fix_own_server import server  # noqa: F401  # a fixture is found by its name

DECLARED = """
[environments.production.access]
required = ["anon", "authenticated", "service_role"]
expose_new_tables = {expose}

[environments.production.access.roles.member]
member_of = ["authenticated"]
"""


def looked(checkup: Checkup, check: Check) -> list[tuple[str, str, str]]:
    """Return kind, object and severity of what one check finds."""
    checkup.checks = (check,)
    found = checkup.run("quarterly-audit")
    return [(each.kind, each.object, each.severity) for each in found.report.findings]


@pytest.fixture
def team(checkup: Checkup) -> Generator[Checkup]:
    """A project that declares a role; roles are the whole server's, so that they are taken away again."""
    checkup.configure(DECLARED.format(expose="true"))
    checkup.sql("create role member; grant authenticated to member")
    try:
        yield checkup
    finally:
        checkup.sql("drop role if exists member; drop role if exists stranger; alter role anon nobypassrls")
        checkup.sql("revoke service_role from authenticated")


@pytest.mark.parametrize(
    ("breaking", "mending", "expected"),
    [
        ("alter role member login", "alter role member nologin", ("role-login", "member", "failed")),
        (
            "alter role member bypassrls",
            "alter role member nobypassrls",
            ("role-bypass-rls", "member", "failed"),
        ),
        (
            "alter role member superuser",
            "alter role member nosuperuser",
            ("role-superuser", "member", "failed"),
        ),
        (
            "grant service_role to member",
            "revoke service_role from member",
            ("role-member-of-service-role", "member", "failed"),
        ),
        ("alter role anon bypassrls", "alter role anon nobypassrls", ("role-bypass-rls", "anon", "failed")),
        (
            "grant service_role to authenticated",
            "revoke service_role from authenticated",
            ("role-member-of-service-role", "authenticated", "failed"),
        ),
        ("create role stranger", "drop role stranger", ("role-not-declared", "stranger", "note")),
        ("create role stranger login", "drop role stranger", ("role-not-declared", "stranger", "attention")),
        (
            "create role stranger replication",
            "drop role stranger",
            ("role-not-declared", "stranger", "failed"),
        ),
        (
            "create role stranger; grant service_role to stranger",
            "drop role stranger",
            ("role-not-declared", "stranger", "failed"),
        ),
        (
            "drop role member",
            "create role member; grant authenticated to member",
            ("role-missing", "member", "failed"),
        ),
    ],
)
def test_a_right_too_many_is_found_and_gone_when_it_is_taken_away(
    team: Checkup, breaking: str, mending: str, expected: tuple[str, str, str]
):
    assert looked(team, access.check_roles) == []
    team.sql(breaking)
    assert looked(team, access.check_roles) == [expected]
    team.sql(mending)
    assert looked(team, access.check_roles) == []


def test_what_new_tables_are_given_to_everybody_is_found(team: Checkup):
    assert looked(team, access.check_default_privileges) == []
    team.sql("alter default privileges in schema public grant select on tables to public")
    ((kind, name, severity),) = looked(team, access.check_default_privileges)
    assert (kind, severity) == ("default-privileges", "attention")
    assert name.endswith("public tables PUBLIC")
    team.sql("alter default privileges in schema public revoke select on tables from public")
    assert looked(team, access.check_default_privileges) == []


def test_who_wants_no_new_table_exposed_hears_what_the_platform_gives_by_default(team: Checkup):
    team.configure(DECLARED.format(expose="false"))
    found = looked(team, access.check_default_privileges)
    assert {kind for kind, *_ in found} == {"default-privileges"}
    assert any(name.endswith("public tables anon") for _, name, _ in found)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(89, []), (90, []), (91, ["attention"]), (180, ["attention"]), (181, ["failed"])],
)
def test_a_secret_is_rotated_in_its_time(checkup: Checkup, age: int, expected: list[str]):
    rotated = date.today() - timedelta(days=age)
    checkup.configure(
        f'[environments.production.access.secrets.service_role_key]\nrotated = {rotated}\nevery = "90 days"'
    )
    found = looked(checkup, access.check_secrets)
    assert found == [("secret-not-rotated", "service_role_key", severity) for severity in expected]
