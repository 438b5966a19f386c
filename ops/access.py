"""Who has access to the database, and whether that is what somebody has decided.

Source: supabase-operations.md, "Preconditions" (access roles, rotation schedule) and "Compliance & Access Control".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ops import queries, rls
from ops.access_settings import Access, Role
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding, Severity
from ops.evidence import Evidence

_RIGHTS = ("login", "superuser", "bypass_rls", "create_role", "create_database", "replication")
_SAID = {
    "login": "may log in",
    "superuser": "is a superuser",
    "bypass_rls": "passes row level security by",
    "create_role": "may make roles",
    "create_database": "may make databases",
    "replication": "may read everything as a replica",
}
_SQL = {
    "login": "nologin",
    "superuser": "nosuperuser",
    "bypass_rls": "nobypassrls",
    "create_role": "nocreaterole",
    "create_database": "nocreatedb",
    "replication": "noreplication",
}
# What the platform makes, and what its own documentation lets these do; it changes that itself.
_API = ("anon", "authenticated")
_PLATFORM = (
    "authenticator", "dashboard_user", "pgbouncer", "pgsodium_keyholder", "pgsodium_keyiduser", "pgsodium_keymaker",
    "pgtle_admin", "postgres", "service_role", "supabase_admin", "supabase_auth_admin", "supabase_etl_admin",
    "supabase_functions_admin", "supabase_privileged_role", "supabase_read_only_user", "supabase_realtime_admin",
    "supabase_replication_admin", "supabase_storage_admin", "cli_login_postgres", "cli_login_supabase_read_only_user",
)  # fmt: skip
_HELD = ("anon", "authenticated", "service_role")


@dataclass(frozen=True)
class Holder:
    """A role as the server has it."""

    name: str
    login: bool
    superuser: bool
    bypass_rls: bool
    create_role: bool
    create_database: bool
    replication: bool
    member_of: list[str]
    expired: datetime | None

    @property
    def of_platform(self) -> bool:
        """Whether Supabase makes it in every project."""
        return self.name in (*_PLATFORM, *_API)


@dataclass(frozen=True)
class DefaultPrivilege:
    """What is given on everything of a kind that is made in the future."""

    maker: str
    schema: str
    kind: str
    grantee: str
    privileges: list[str]


@check("roles and their rights")
def check_roles(checking: Checking) -> Evidence:
    """Hold the roles of the server against those that are declared: each there, and none that may more."""
    access = checking.plan.environment.access
    found = {each.name: each for each in checking.ask(queries.load("access/roles"), Holder)}
    findings = [
        *(_absent(name) for name in dict.fromkeys((*access.required, *access.roles)) if name not in found),
        *(finding for each in found.values() for finding in _of_role(each, access)),
    ]
    logins = ", ".join(each.name for each in found.values() if each.login)
    rows = [
        {"role": each.name, "may": ", ".join(_SAID[right] for right in _RIGHTS if getattr(each, right))}
        | {"member of": ", ".join(each.member_of)}
        for each in found.values()
    ]
    return checking.found(
        findings, f"{len(found)} roles have what is declared and no more; log in may {logins}.", rows=rows
    )


@check("default privileges")
def check_default_privileges(checking: Checking) -> Evidence:
    """Look what API roles are given on whatever is made in the future."""
    access, schemas = checking.plan.environment.access, rls.exposed_schemas(checking.plan.project)
    found = checking.ask(
        queries.load("access/default_privileges"), DefaultPrivilege, {"schemas": list(schemas)}
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
    wrong = [each for each in found if each.grantee == "PUBLIC" or not access.expose_new_tables]
    return checking.found(
        [_default(each) for each in wrong],
        "What is made in the future is given to nobody for whom that is not meant.",
        rows=rows,
    )


@check("age of secrets")
def check_secrets(checking: Checking) -> Evidence:
    """Look whether each secret of the rotation schedule was rotated in its time."""
    secrets = checking.plan.environment.access.secrets
    if not secrets:
        return checking.idle("No rotation schedule is declared: [environments.NAME.access.secrets.SECRET].")
    today = checking.now.date()
    rows = [
        {"secret": name, "rotated": str(each.rotated), "every": str(each.every)}
        for name, each in secrets.items()
    ]
    late = [
        Finding(
            kind="secret-not-rotated",
            object=name,
            severity="failed" if today - each.rotated > 2 * each.every else "attention",
            said=f"{name} was last rotated on {each.rotated}; it should be every {each.every.days} days.",
            why="Whoever has seen it since, in a log, on a laptop or in a team that they have left, still has it.",
            todo="Rotate it, and write the day into `rotated` of its table in runbooks.toml.",
        )
        for name, each in secrets.items()
        if today - each.rotated > each.every
    ]
    return checking.found(late, f"{len(secrets)} secrets were rotated in their time.", rows=rows)


def _absent(name: str) -> Finding:
    return Finding(
        kind="role-missing",
        object=name,
        severity="failed",
        said=f"The role {name} is not there.",
        why="Policies and grants for it hold nobody, and whoever should act as it is refused.",
        todo="Make it with the migration that declares it, or take it out of [environments.NAME.access].",
    )


def _of_role(holder: Holder, access: Access) -> Iterator[Finding]:
    declared = access.roles.get(holder.name)
    if holder.name in _API:
        # Nothing that anybody declares makes it right that a visitor passes policies by.
        yield from _too_much(holder, declared or Role())
        return
    if holder.of_platform:
        return
    if declared is None:
        yield _undeclared(holder)
        return
    yield from _too_much(holder, declared)
    if declared.login and not holder.login:
        yield _finding(
            "role-cannot-log-in", holder, "attention", "may not log in and is declared to", "Run: alter role"
        )
    if holder.login and holder.expired:
        yield _finding(
            "role-expired",
            holder,
            "attention",
            f"cannot log in since {holder.expired:%Y-%m-%d}",
            "Give it a password",
        )


def _too_much(holder: Holder, declared: Role) -> Iterator[Finding]:
    for right in _RIGHTS:
        if getattr(holder, right) and not getattr(declared, right):
            yield _finding(
                f"role-{right.replace('_', '-')}",
                holder,
                "failed",
                f"{_SAID[right]}, which nobody has declared",
                f"Run: alter role {holder.name} {_SQL[right]};",
            )
    for group in holder.member_of:
        if group not in declared.member_of:
            yield _finding(
                f"role-member-of-{group.replace('_', '-')}",
                holder,
                "failed",
                f"is a member of {group}, which nobody has declared",
                f"Run: revoke {group} from {holder.name};",
            )


def _undeclared(holder: Holder) -> Finding:
    rights = [_SAID[right] for right in _RIGHTS if getattr(holder, right)]
    rights += [f"acts as {group}" for group in holder.member_of if group in _HELD]
    powerful = (
        holder.superuser or holder.bypass_rls or holder.replication or "service_role" in holder.member_of
    )
    severity: Severity = "failed" if powerful else "attention" if rights else "note"
    return _finding(
        "role-not-declared",
        holder,
        severity,
        f"is declared nowhere, and {' and '.join(rights) or 'may nothing by itself'}",
        f"Declare it in [environments.NAME.access.roles.{holder.name}], or drop it.",
    )


def _finding(kind: str, holder: Holder, severity: Severity, said: str, todo: str) -> Finding:
    return Finding(
        kind=kind,
        object=holder.name,
        severity=severity,
        said=f"The role {holder.name} {said}.",
        why="Whoever has its password or token may do what nobody has decided that they may.",
        todo=todo,
    )


def _default(each: DefaultPrivilege) -> Finding:
    where = f"in {each.schema}" if each.schema else "in any schema"
    scope = f"{each.maker} in schema {each.schema}" if each.schema else each.maker
    rights = ", ".join(each.privileges)
    return Finding(
        kind="default-privileges",
        object=f"{each.maker} {each.schema or '*'} {each.kind} {each.grantee}",
        severity="attention",
        said=f"{each.grantee} is given {rights} on all {each.kind} that {each.maker} makes {where}.",
        why="A table that somebody makes tomorrow can be reached before anybody has written a policy for it.",
        todo=f"Run: alter default privileges for role {scope} revoke all on {each.kind} from {each.grantee};",
    )
