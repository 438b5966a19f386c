"""What roles are given on tables, those that are there and those to come, and whether somebody has decided that.

Source: supabase-operations.md, "Preconditions" (access roles) and "Compliance & Access Control".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ops import access_platform, access_words, queries, rls
from ops.access_settings import Access, Privilege
from ops.access_words import finding, quoted
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence

_EVERYBODY = "PUBLIC"
_OWNER = "owner"
_NAMED = 5


@dataclass(frozen=True)
class Given:
    """What a role was given on some tables of a schema."""

    grantee: str
    schema: str
    privileges: list[str]
    tables: list[str]


@dataclass(frozen=True)
class DefaultPrivilege:
    """What is given on everything of a kind that is made in the future."""

    maker: str
    schema: str
    kind: str
    grantee: str
    privileges: list[str]


@check("rights on tables")
def check_table_rights(checking: Checking) -> Evidence:
    """Hold what roles of the project may on tables, by grant or as their owner, against what is declared."""
    where = checking.plan.environment
    # What the API's roles may is tried, by the contract; what is declared for one of them is held against it as well.
    declared = {name for name, role in where.access.roles.items() if role.tables}
    beside = [name for name in access_platform.ROLES if name not in declared]
    found = checking.ask(queries.load("access/table_rights"), Given, {"beside": beside})
    grouped: dict[tuple[str, str], list[Given]] = defaultdict(list)
    for each in found:
        grouped[each.grantee, each.schema].append(each)
    findings = [
        each
        for (name, schema), given in grouped.items()
        if (each := _of_schema(name, schema, given, where.access, where.name))
    ]
    rows = [
        {
            "role": each.grantee,
            "schema": each.schema,
            "may": ", ".join(each.privileges),
            "tables": _named(each.tables),
        }
        for each in found
    ]
    return checking.found(
        findings, "No role of the project is given more on tables than is declared.", rows=rows
    )


@check("default privileges")
def check_default_privileges(checking: Checking) -> Evidence:
    """Look what roles are given on whatever is made in the future."""
    access, schemas = checking.plan.environment.access, rls.exposed_schemas(checking.plan.project)
    found = checking.ask(
        queries.load("access/default_privileges"),
        DefaultPrivilege,
        {"schemas": list(schemas), "platform": list(access_platform.ROLES)},
    )
    rows = [
        {
            "made by": each.maker,
            "in": each.schema or "any schema",
            "kind": each.kind,
            "given to": each.grantee,
            "rights": ", ".join(each.privileges),
        }
        for each in found
    ]
    return checking.found(
        [_default(each) for each in found if _too_much(each, access)],
        "What is made in the future is given to nobody for whom that is not meant.",
        rows=rows,
    )


def _of_schema(
    name: str, schema: str, given: Sequence[Given], access: Access, environment: str
) -> Finding | None:
    role = access.roles.get(name)
    declared = role.tables if role else {}
    excess: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for each in given:
        for table in each.tables:
            may = {*declared.get(schema, ()), *declared.get(f"{schema}.{table}", ())}
            if more := _beyond(each.privileges, may):
                excess[more].append(table)
    if not excess:
        return None
    tables = sorted({table for names in excess.values() for table in names})
    privileges = sorted({privilege for more in excess for privilege in more})
    who = "Everybody who may log in" if name == _EVERYBODY else f"The role {name}"
    place = access_words.table("environments", environment, "access", "roles", name, "tables")
    declare = "" if name == _EVERYBODY else f" Or declare it in {place}."
    return finding(
        "role-table-rights",
        f"{name} {schema}",
        "failed" if role else "attention",
        f"{who} {_may(privileges)} {_named(tables)} of {schema}, which nobody has declared.",
        f"Run: {' '.join(_revokes(name, schema, excess, declared))}{declare}",
        why="tables",
    )


def _beyond(privileges: Sequence[str], may: Collection[str]) -> tuple[str, ...]:
    if _OWNER in may:
        return ()
    return tuple(each for each in privileges if each not in may and (each == _OWNER or "all" not in may))


def _may(privileges: Sequence[str]) -> str:
    given = ", ".join(each for each in privileges if each != _OWNER)
    owns = "owns" if _OWNER in privileges else ""
    return " and ".join(each for each in (owns, f"may {given} on" if given else "") if each)


def _revokes(
    name: str,
    schema: str,
    excess: Mapping[tuple[str, ...], Sequence[str]],
    declared: Mapping[str, tuple[Privilege, ...]],
) -> Iterator[str]:
    for more, tables in excess.items():
        if _OWNER in more:
            yield from (
                f"alter table {quoted(schema, each)} owner to {quoted('postgres')};" for each in tables
            )
        privileges = [each for each in more if each != _OWNER]
        if not privileges:
            continue
        # On all tables of a schema only where no table has a declaration of its own, which that would take too.
        by_name = len(tables) <= _NAMED or any(key.startswith(f"{schema}.") for key in declared)
        on = (
            ", ".join(quoted(schema, table) for table in tables)
            if by_name
            else f"all tables in schema {quoted(schema)}"
        )
        yield f"revoke {', '.join(privileges)} on {on} from {quoted(name)};"


def _named(tables: Sequence[str]) -> str:
    more = len(tables) - _NAMED
    return ", ".join(tables[:_NAMED]) + (f" and {more} more tables" if more > 0 else "")


def _too_much(each: DefaultPrivilege, access: Access) -> bool:
    if each.grantee == _EVERYBODY:
        return True
    if each.grantee in access_platform.API:
        return not access.expose_new_tables
    role = access.roles.get(each.grantee)
    may = role.tables.get(each.schema, ()) if role else ()
    # Sequences and functions go with the tables for which they are needed.
    if each.kind != "tables":
        return not may
    return "all" not in may and any(privilege.lower() not in may for privilege in each.privileges)


def _default(each: DefaultPrivilege) -> Finding:
    where = f"in {each.schema}" if each.schema else "in any schema"
    scope = f" in schema {quoted(each.schema)}" if each.schema else ""
    rights = ", ".join(each.privileges)
    return Finding(
        kind="default-privileges",
        object=f"{each.maker} {each.schema or '*'} {each.kind} {each.grantee}",
        severity="attention",
        said=f"{each.grantee} is given {rights} on all {each.kind} that {each.maker} makes {where}.",
        why="A table that somebody makes tomorrow can be reached before anybody has written a policy for it.",
        todo=f"Run: alter default privileges for role {quoted(each.maker)}{scope} revoke all on {each.kind} "
        f"from {quoted(each.grantee)};",
    )
