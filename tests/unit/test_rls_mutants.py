"""Ways of breaking a policy: those that change what somebody can do, and none that cannot."""

from __future__ import annotations

import pytest

from ops import rls_mutants
from ops.rls_contract import Policy

OWN = "(owner_id = ( SELECT auth.uid() AS uid))"
STAFF = "( SELECT internal.is_operator() AS is_operator)"


def policy(command: str, using: str | None, check: str | None = None, roles: str = "authenticated") -> Policy:
    return Policy(command=command, permissive=True, roles=tuple(roles.split()), using=using, check=check)


@pytest.mark.parametrize(
    ("made", "ways"),
    [
        (policy("SELECT", OWN), ["dropped", "USING (true)", "USING (false)", "TO public"]),
        (policy("INSERT", None, OWN), ["dropped", "WITH CHECK (true)", "WITH CHECK (false)", "TO public"]),
        (
            policy("UPDATE", OWN),
            ["dropped", "USING (true)", "WITH CHECK (true)", "USING (false)", "TO public"],
        ),
        (
            policy("UPDATE", STAFF, STAFF),
            ["dropped", "USING (true) WITH CHECK (true)", "USING (false)", "TO public"],
        ),
        (policy("SELECT", "true", roles="anon authenticated"), ["dropped", "USING (false)"]),
        (policy("SELECT", OWN, roles="public"), ["dropped", "USING (true)", "USING (false)"]),
        (policy("SELECT", "(auth.uid() IS NOT NULL)"), ["dropped", "USING (false)", "TO public"]),
        (
            policy("SELECT", OWN, roles="staff"),
            ["dropped", "USING (true)", "USING (false)", "TO public", "TO anon as well"],
        ),
    ],
)
def test_a_policy_is_broken_in_each_way_that_changes_something(made: Policy, ways: list[str]):
    assert [each.broken for each in rls_mutants.of("public.notes", "p", made)] == ways


@pytest.mark.parametrize(
    ("predicate", "asks"),
    [
        (OWN, True),
        (f"({OWN} OR is_public)", False),
        (f"({OWN} AND is_public)", True),
        (STAFF, True),
        ("(auth.uid() IS NULL)", False),
        ("(COALESCE(owner_id, auth.uid()) = owner_id)", False),
        ("(other.free())", False),
        ("(EXISTS ( SELECT FROM public.members m WHERE (m.user_id = auth.uid())))", True),
        ("true", False),
    ],
)
def test_a_policy_that_asks_for_the_caller_on_each_way_lets_nobody_new_in(predicate: str, asks: bool):
    assert rls_mutants.asks_caller(policy("SELECT", predicate), {"internal.is_operator"}) is asks
