"""The access review on PostgreSQL 15, where a grant of a role has no options but the admin's."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from ops import access, access_rights, embedded
from tests.fix_access import looked, named, statements
from tests.fix_checks import Checkup, looking_at
from tests.fix_postgres import DEBIAN_15


@pytest.fixture(scope="module")
def old() -> Generator[str]:
    """The DSN of a superuser of a server of this module alone."""
    with embedded.running(bindir=DEBIAN_15) as running:
        embedded.create_database(running, "reviewed")
        yield running.dsn("reviewed", user=running.superuser)


@pytest.fixture
def checkup(old: str, tmp_path: Path) -> Generator[Checkup]:
    with looking_at(old, tmp_path) as made:
        yield made


def test_a_fresh_database_has_what_the_platform_gives_and_no_more(checkup: Checkup):
    checks = (access.check_roles, access_rights.check_table_rights, access_rights.check_default_privileges)
    assert looked(checkup, *checks) == []


@pytest.mark.parametrize(
    ("breaking", "kinds", "says"),
    [
        (
            "grant supabase_admin to authenticator",
            ["role-member-of-supabase-admin"],
            "(authenticator → supabase_admin: superuser)",
        ),
        (
            "set role postgres; grant service_role to supabase_functions_admin",
            ["role-member-of-service-role"],
            "(supabase_functions_admin → service_role: BYPASSRLS)",
        ),
        (
            "grant service_role to authenticator with admin option",
            ["role-admin-of-service-role"],
            "may make others a member of service_role",
        ),
        (
            "alter role authenticator inherit",
            ["role-inherits-anon", "role-inherits-authenticated", "role-inherits-service-role"],
            "has the rights of service_role at once",
        ),
    ],
)
def test_more_than_was_decided_is_found_and_gone_by_the_statement_that_is_told(
    checkup: Checkup, breaking: str, kinds: list[str], says: str
):
    assert looked(checkup, access.check_roles) == []
    checkup.sql(breaking)
    found = looked(checkup, access.check_roles)
    assert [kind for kind, *_ in named(found)] == kinds
    assert says in found[-1].said
    for each in found:
        checkup.sql(statements(each))
    assert looked(checkup, access.check_roles) == []
