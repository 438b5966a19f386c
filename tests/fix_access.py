"""A project that declares a role, and what the review of access finds in it."""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest

from ops.check_looks import Check
from ops.checked import Reported
from tests.fix_checks import Checkup

DECLARED = """
[environments.production.access]
required = ["anon", "authenticated", "service_role"]
expose_new_tables = {expose}

[environments.production.access.roles.member]
member_of = ["authenticated"]
"""
TEAM = ("member", "stranger", "other", "Odd name")


def looked(checkup: Checkup, *checks: Check) -> list[Reported]:
    """Return what these checks find."""
    checkup.checks = checks
    return list(checkup.run("quarterly-audit").report.findings)


def named(found: list[Reported]) -> list[tuple[str, str, str]]:
    return [(each.kind, each.object, each.severity) for each in found]


def statements(found: Reported) -> str:
    """Return the statements that a finding says to run, and nothing of the words around them."""
    said = re.search(r"\b[Rr]un: (.*?;)(?= [A-Z]|$)", found.todo)
    assert said, found.todo
    return said[1]


@pytest.fixture
def team(checkup: Checkup) -> Generator[Checkup]:
    """A project that declares a role; roles are the whole server's, so that they are taken away again."""
    checkup.configure(DECLARED.format(expose="true"))
    checkup.sql("create role member; grant authenticated to member")
    try:
        yield checkup
    finally:
        for name in TEAM:
            checkup.sql(
                f"do $$ begin if to_regrole('\"{name}\"') is not null then "
                f'drop owned by "{name}"; drop role "{name}"; end if; end $$'
            )
        checkup.sql("alter role anon nobypassrls; revoke service_role from authenticated")
