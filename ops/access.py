"""Who has access to the database, and whether that is what somebody has decided.

Source: supabase-operations.md, "Preconditions" (access roles, rotation schedule) and "Compliance & Access Control".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ops import access_platform, access_words, queries
from ops.access_paths import ATTRIBUTES, Holder, Membership, Memberships
from ops.access_settings import Access, Role
from ops.access_words import finding, quoted, slug
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
_TAKEN = {
    "login": "nologin",
    "superuser": "nosuperuser",
    "bypass_rls": "nobypassrls",
    "create_role": "nocreaterole",
    "create_database": "nocreatedb",
    "replication": "noreplication",
}


@dataclass(frozen=True)
class _Review:
    """What the roles of one environment are held against."""

    environment: str
    access: Access
    memberships: Memberships

    def place(self, *keys: str) -> str:
        return access_words.table("environments", self.environment, "access", *keys)


@check("roles and their rights")
def check_roles(checking: Checking) -> Evidence:
    """Hold the roles of the server against those that are declared: each there, and none that may more."""
    where = checking.plan.environment
    found = {each.name: each for each in checking.ask(queries.load("access/roles"), Holder)}
    grants = checking.ask(queries.load("access/memberships"), Membership)
    review = _Review(where.name, where.access, Memberships(found, grants))
    findings = [
        *(
            _absent(name, review)
            for name in dict.fromkeys((*where.access.required, *where.access.roles))
            if name not in found
        ),
        *(each for holder in found.values() for each in _of_role(holder, review)),
    ]
    logins = ", ".join(each.name for each in found.values() if each.login)
    rows = [
        {"role": each.name, "may": ", ".join(_SAID[right] for right in _RIGHTS if getattr(each, right))}
        | {"member of": ", ".join(review.memberships.of(each.name))}
        for each in found.values()
    ]
    return checking.found(
        findings,
        f"{len(found)} roles have what the platform gives them and what is declared, and no more; log in may {logins}.",
        rows=rows,
    )


@check("age of secrets")
def check_secrets(checking: Checking) -> Evidence:
    """Look whether each secret of the rotation schedule was rotated in its time."""
    where = checking.plan.environment
    secrets = where.access.secrets
    if not secrets:
        place = access_words.table("environments", where.name, "access", "secrets", "SECRET")
        return checking.idle(f"No rotation schedule is declared: {place}, with its name for SECRET.")
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
            todo="Rotate it, and write the day as `rotated` into "
            f"{access_words.table('environments', where.name, 'access', 'secrets', name)} of runbooks.toml.",
        )
        for name, each in secrets.items()
        if today - each.rotated > each.every
    ]
    return checking.found(late, f"{len(secrets)} secrets were rotated in their time.", rows=rows)


def _absent(name: str, review: _Review) -> Finding:
    return Finding(
        kind="role-missing",
        object=name,
        severity="failed",
        said=f"The role {name} is not there.",
        why="Policies and grants for it hold nobody, and whoever should act as it is refused.",
        todo=f"Make it with the migration that declares it, or take it out of {review.place()}.",
    )


def _of_role(holder: Holder, review: _Review) -> Iterator[Finding]:
    allowed = access_platform.allowed(holder.name, review.access)
    if allowed is None:
        yield _undeclared(holder, review)
        return
    yield from _rights(holder, allowed)
    if not allowed.superuser:
        # A superuser may all that any membership gives.
        yield from _memberships(holder, allowed, review)
    yield from _refused(holder, review)


def _rights(holder: Holder, allowed: Role) -> Iterator[Finding]:
    for right in _RIGHTS:
        if getattr(holder, right) and not getattr(allowed, right):
            yield finding(
                f"role-{slug(right)}",
                holder.name,
                "failed",
                f"The role {holder.name} {_SAID[right]}, which nobody has declared.",
                f"Run: alter role {quoted(holder.name)} {_TAKEN[right]};",
                why=right,
            )


def _memberships(holder: Holder, allowed: Role, review: _Review) -> Iterator[Finding]:
    for group, grants in review.memberships.of(holder.name).items():
        admin = any(each.admin for each in grants)
        if _made_itself(holder, allowed, group, admin=admin):
            continue
        if group not in allowed.member_of:
            powers = "; ".join(review.memberships.powers(holder.name, group))
            yield finding(
                f"role-member-of-{slug(group)}",
                holder.name,
                "failed",
                f"The role {holder.name} is a member of {group}, which nobody has declared"
                f"{f' ({powers})' if powers else ''}.",
                f"Run: {access_words.revoke(grants)}",
                why="member",
            )
        elif admin and group not in allowed.admin_of:
            yield finding(
                f"role-admin-of-{slug(group)}",
                holder.name,
                "failed",
                f"The role {holder.name} may make others a member of {group}, which nobody has declared.",
                f"Run: {access_words.revoke((each for each in grants if each.admin), what='admin option for ')}",
                why="admin",
            )
        elif holder.name == access_platform.BECOMES_ONLY and any(each.inherit for each in grants):
            yield finding(
                f"role-inherits-{slug(group)}",
                holder.name,
                "failed",
                f"The role {holder.name} has the rights of {group} at once, and not only when it acts as it.",
                f"Run: {access_words.no_inheritance(each for each in grants if each.inherit)}",
                why="inherits",
            )


def _made_itself(holder: Holder, allowed: Role, group: str, *, admin: bool) -> bool:
    """Whether a role that may make roles is a member of one because it made it: that one is judged itself."""
    of_project = group not in access_platform.ROLES and not group.startswith("pg_")
    return allowed.create_role and of_project and (admin or holder.name == "postgres")


def _refused(holder: Holder, review: _Review) -> Iterator[Finding]:
    name, declared = holder.name, review.access.roles.get(holder.name)
    if declared and declared.login and not holder.login:
        yield finding(
            "role-cannot-log-in",
            name,
            "attention",
            f"The role {name} may not log in and is declared to.",
            f"Run: alter role {quoted(name)} login; Or take `login` out of {review.place('roles', name)}.",
            why="refused",
        )
    if holder.login and holder.expired and name not in access_platform.SHORT_LIVED:
        yield finding(
            "role-expired",
            name,
            "attention",
            f"The role {name} cannot log in by its password since {holder.expired:%Y-%m-%d}.",
            f"Set a new password (in psql: \\password {quoted(name)}). Then run: alter role {quoted(name)} "
            "valid until 'infinity'; Or take its login away, and out of the declaration: "
            f"alter role {quoted(name)} nologin;",
            why="refused",
        )


def _undeclared(holder: Holder, review: _Review) -> Finding:
    groups = review.memberships.of(holder.name)
    powers = {group: review.memberships.powers(holder.name, group) for group in groups}
    rights = [_SAID[right] for right in _RIGHTS if getattr(holder, right)]
    rights += [f"acts as {group}" for group in groups if not powers[group]]
    paths = [path for found in powers.values() for path in found]
    powerful = paths or any(getattr(holder, attribute) for attribute in ATTRIBUTES)
    severity: Severity = "failed" if powerful else "attention" if rights else "note"
    by_paths = f", by its memberships ({'; '.join(paths)})" if paths else ""
    revokes = "".join(f"{access_words.revoke(grants)} " for grants in groups.values())
    return finding(
        "role-not-declared",
        holder.name,
        severity,
        f"The role {holder.name} is declared nowhere, and {' and '.join(rights) or 'may nothing by itself'}{by_paths}.",
        f"Declare it in {review.place('roles', holder.name)}, or run: {revokes}drop role {quoted(holder.name)};",
        why="member" if paths else "",
    )
