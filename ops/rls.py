"""Row level security of every table that the API exposes: on, with a policy, no write open to anybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg.rows import class_row

from ops import database, folding, queries, verdict
from ops.project import Project

DEFAULT_SCHEMAS = ("public", "graphql_public")
_TABLE_KINDS = {"r", "p"}
_WRITES = {"a": ("INSERT",), "w": ("UPDATE",), "d": ("DELETE",), "*": ("INSERT", "UPDATE", "DELETE")}


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view of an exposed schema; `privileges` are such as `anon SELECT`."""

    oid: int
    name: str
    identifier: str
    kind: str
    partition_of: str | None
    enabled: bool
    forced: bool
    invoker: bool
    privileges: list[str]
    guarded_tables: list[str]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as the catalog has it; `command` is a, w, d, r or *."""

    relation: int
    name: str
    command: str
    permissive: bool
    for_public: bool
    for_anon: bool
    using_predicate: str | None
    check_predicate: str | None

    @property
    def role(self) -> str:
        return "PUBLIC" if self.for_public else "anon"


def exposed_schemas(project: Project) -> tuple[str, ...]:
    """Return the schemas that the project's API serves: `api.schemas` of supabase/config.toml."""
    return tuple(project.setting("api", "schemas", default=DEFAULT_SCHEMAS))


def check(connection: database.Connection, *, schemas: Sequence[str]) -> verdict.Rls:
    """Read the row level security of every table and view in `schemas` and say what is not covered.

    An error is a table that API roles can reach and that nothing guards; what they cannot reach, and views
    that pass row level security by, are warnings.
    """
    values = {"schemas": list(schemas)}
    with connection.cursor(row_factory=class_row(Relation)) as cursor:
        relations = cursor.execute(queries.load("rls/relations"), values).fetchall()
    with connection.cursor(row_factory=class_row(Policy)) as cursor:
        policies = cursor.execute(queries.load("rls/policies"), values).fetchall()
    by_relation = {r.oid: tuple(p for p in policies if p.relation == r.oid) for r in relations}
    return verdict.Rls(
        tables=tuple(_table(r, by_relation[r.oid]) for r in relations if r.kind in _TABLE_KINDS),
        findings=tuple(finding for r in relations for finding in _findings(r, by_relation[r.oid])),
    )


def _table(relation: Relation, policies: Sequence[Policy]) -> verdict.RlsTable:
    return verdict.RlsTable(
        table=relation.name, enabled=relation.enabled, forced=relation.forced, policies=len(policies)
    )


def _findings(relation: Relation, policies: Sequence[Policy]) -> Iterator[verdict.RlsFinding]:
    if relation.kind in _TABLE_KINDS:
        yield from _coverage(relation, policies)
        yield from _open_writes(relation, policies)
    elif relation.privileges:
        yield from _beside_rls(relation)


def _coverage(relation: Relation, policies: Sequence[Policy]) -> Iterator[verdict.RlsFinding]:
    level = "error" if relation.privileges else "warning"
    if not relation.enabled:
        idle = f" Its {len(policies)} policies do nothing until then." if policies else ""
        yield _finding(
            relation,
            level,
            f"{relation.name} has row level security off; {_reach(relation)}.{_inherited(relation)} "
            f"Run `alter table {relation.identifier} enable row level security` and add a policy.{idle}",
        )
    elif not policies:
        yield _finding(
            relation,
            level,
            f"{relation.name} has row level security on and no policy, so API roles see no row; "
            f"{_reach(relation)}. Add a policy that says who may, or revoke that if nobody should.",
        )
    elif not any(policy.permissive for policy in policies):
        yield _finding(
            relation,
            "warning",
            f"{relation.name} has restrictive policies only, so API roles see no row. Add a permissive one.",
        )


def _reach(relation: Relation) -> str:
    if not relation.privileges:
        return "no API role has a privilege on it yet"
    by_role: dict[str, list[str]] = {}
    for role, _, privilege in (each.partition(" ") for each in relation.privileges):
        by_role.setdefault(role, []).append(privilege)
    roles = {
        privileges: [r for r in by_role if by_role[r] == list(privileges)]
        for privileges in map(tuple, by_role.values())
    }
    may = [f"{' and '.join(names)} may {', '.join(privileges)}" for privileges, names in roles.items()]
    return f"through the API {'; '.join(may)}"


def _inherited(relation: Relation) -> str:
    if relation.partition_of is None:
        return ""
    return f" It is a partition of {relation.partition_of}, whose policies do not guard it when it is named itself."


def _open_writes(relation: Relation, policies: Sequence[Policy]) -> Iterator[verdict.RlsFinding]:
    for policy in policies:
        opened = _opened(policy)
        if policy.permissive and opened:
            yield _open_write(relation, policy, opened, policies)


def _opened(policy: Policy) -> dict[str, str]:
    """The writes that a policy for anon or PUBLIC opens to everybody, and the clause that does so."""
    if not (policy.for_public or policy.for_anon):
        return {}
    using = folding.is_true(policy.using_predicate, role="anon")
    checked = policy.using_predicate if policy.check_predicate is None else policy.check_predicate
    check_true = folding.is_true(checked, role="anon")
    found: dict[str, str] = {}
    for command in _WRITES.get(policy.command, ()):
        if command != "INSERT" and using:
            found[command] = f"USING ({policy.using_predicate})"
        elif command != "DELETE" and check_true:
            found[command] = f"WITH CHECK ({checked})"
    return found


def _open_write(
    relation: Relation, policy: Policy, opened: dict[str, str], policies: Sequence[Policy]
) -> verdict.RlsFinding:
    roles = ("anon", "authenticated") if policy.for_public else ("anon",)
    granted = [c for c in opened if any(f"{role} {c}" in relation.privileges for role in roles)]
    unguarded = [c for c in granted if not any(_restricts(other, policy, c) for other in policies)]
    if not relation.enabled:
        note = "Row level security is off here as well."
    elif not granted:
        note = "Only a missing privilege stands before it today."
    elif not unguarded:
        note = "Only a restrictive policy stands before it."
    else:
        note = "service_role passes policies by and needs none." if policy.for_public else ""
    message = (
        f'policy "{policy.name}" on {relation.name} lets {policy.role} {", ".join(opened)} any row: '
        f"{'; '.join(dict.fromkeys(opened.values()))}. "
        f"Name the owner in the predicate or the role in TO. {note}"
    )
    return _finding(relation, "error" if unguarded else "warning", message.strip(), policy=policy.name)


def _restricts(other: Policy, policy: Policy, command: str) -> bool:
    """Whether a restrictive policy stands before `command` for everybody to whom `policy` opens it."""
    if other.permissive or command not in _WRITES.get(other.command, ()):
        return False
    if not (other.for_public or (other.for_anon and not policy.for_public)):
        return False
    clauses = (other.using_predicate, other.check_predicate)
    return any(clause is not None and not folding.is_true(clause, role="anon") for clause in clauses)


def _beside_rls(relation: Relation) -> Iterator[verdict.RlsFinding]:
    """Foreign tables and views, which row level security does not guard by itself."""
    if relation.kind == "f":
        what = "is a foreign table, which cannot have row level security"
    elif relation.kind == "m":
        what = "is a materialized view, which cannot have row level security"
    elif relation.guarded_tables and not relation.invoker:
        tables = ", ".join(relation.guarded_tables)
        yield _finding(
            relation,
            "warning",
            f"view {relation.name} reads {tables} with its owner's rights and passes row level security by; "
            f"{_reach(relation)}. Run `alter view {relation.identifier} set (security_invoker = true)`.",
        )
        return
    else:
        return
    yield _finding(
        relation,
        "warning",
        f"{relation.name} {what}; {_reach(relation)}. Revoke those privileges, or move it to a schema "
        "that the API does not serve.",
    )


def _finding(
    relation: Relation, level: Literal["error", "warning"], message: str, *, policy: str | None = None
) -> verdict.RlsFinding:
    return verdict.RlsFinding(table=relation.name, policy=policy, level=level, message=message)
