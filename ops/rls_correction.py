"""The statements that bring policies back to what a contract says, or forth to what stands.

Source: supabase-operations.md, "RLS Misconfiguration".
"""

from __future__ import annotations

from collections.abc import Iterator

from ops.app_tables import quoted
from ops.rls_contract import Policy, RlsContract, TableContract


def statements(*, wanted: RlsContract, there: RlsContract) -> tuple[str, ...]:
    """Return the statements that make the policies of all tables that both know as `wanted` says.

    They are a migration, so one transaction: nobody meets a table without its policies. Each can be run where it has
    been run already, since the rehearsal's database may have the right policies: those that other hands changed.
    """
    both = sorted(wanted.tables.keys() & there.tables.keys())
    return tuple(line for name in both for line in _table(name, wanted.tables[name], there.tables[name]))


def _table(name: str, wanted: TableContract, there: TableContract) -> Iterator[str]:
    table = _identifier(name)
    if wanted.enabled != there.enabled:
        yield f"alter table {table} {'enable' if wanted.enabled else 'disable'} row level security;"
    if wanted.forced != there.forced:
        yield f"alter table {table} {'force' if wanted.forced else 'no force'} row level security;"
    other = [
        policy
        for policy in sorted(there.policies.keys() | wanted.policies.keys())
        if there.policies.get(policy) != wanted.policies.get(policy)
    ]
    yield from (f"drop policy if exists {quoted(policy)} on {table};" for policy in other)
    for policy in other:
        if policy in wanted.policies:
            yield _created(policy, table, wanted.policies[policy])


def _created(name: str, table: str, policy: Policy) -> str:
    kind = "" if policy.permissive else " as restrictive"
    roles = ", ".join("public" if role == "public" else quoted(role) for role in policy.roles)
    parts = [f"create policy {quoted(name)} on {table}{kind} for {policy.command.lower()} to {roles}"]
    if policy.using is not None:
        parts.append(f"using ({policy.using})")
    if policy.check is not None:
        parts.append(f"with check ({policy.check})")
    return " ".join(parts) + ";"


def _identifier(name: str) -> str:
    schema, _, table = name.partition(".")
    return f"{quoted(schema)}.{quoted(table)}"
