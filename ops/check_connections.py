"""Connections against what the server, and each role, may have. Source: supabase-operations.md, "Daily"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import BaseModel

from ops import errors, queries
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence

# From here on the next burst of the app is refused.
_FULL = 0.95
_NAMED = 3


class _Allowed(BaseModel):
    allowed: bool


class _Limits(BaseModel):
    most: int
    superusers: int
    reserved: int

    @property
    def usable(self) -> int:
        return max(1, self.most - self.superusers - self.reserved)


class _Group(BaseModel):
    role: str
    application: str
    count: int
    role_limit: int
    superuser: bool
    since: datetime | None

    @property
    def name(self) -> str:
        return f"{self.role} ({self.application or 'no application name'})"


def require_sessions(checking: Checking) -> None:
    """See that this login is told of other sessions; without the right it would find everything well.

    Raises:
        CheckFailed: it is not.
    """
    (found,) = checking.ask(queries.load("checks/sees_sessions"), _Allowed)
    if not found.allowed:
        raise errors.CheckFailed("42501: this login is not shown what other sessions do")


@check("connections")
def check_connections(checking: Checking) -> Evidence:
    """Count connections by role and application against max_connections without what is kept for superusers."""
    require_sessions(checking)
    (limits,) = checking.ask(queries.load("checks/connection_limits"), _Limits)
    groups = checking.ask(queries.load("checks/connections"), _Group)
    taken = sum(each.count for each in groups)
    well = f"{taken} of {limits.usable} connections are taken, most by {_most(groups)}."
    return checking.found(
        [*_server(checking, limits, groups), *_roles(checking, groups)],
        well,
        rows=[each.model_dump(exclude={"superuser"}, mode="json") for each in groups],
    )


def _server(checking: Checking, limits: _Limits, groups: Sequence[_Group]) -> Iterator[Finding]:
    taken = sum(each.count for each in groups)
    share = taken / limits.usable
    if share < checking.settings.connections:
        return
    kept = limits.most - limits.usable
    yield Finding(
        kind="connections-high",
        object="max_connections",
        severity="failed" if share >= _FULL else "attention",
        said=f"{taken} of {limits.usable} connections are taken ({share:.0%}; {kept} of {limits.most} are kept "
        f"for superusers), most by {_most(groups)}.",
        why="When all are taken the app, its jobs and every repair by an ordinary role are refused.",
        todo="Look which application opens so many (a pool that is too large, sessions that nobody closes), let it use "
        "the pooler, end idle sessions with pg_terminate_backend, and only then raise max_connections.",
    )


def _roles(checking: Checking, groups: Sequence[_Group]) -> Iterator[Finding]:
    taken = Counter[str]()
    for each in groups:
        taken[each.role] += each.count
    limits = {each.role: each.role_limit for each in groups if each.role_limit >= 0 and not each.superuser}
    for role, limit in limits.items():
        if taken[role] >= checking.settings.connections * max(1, limit):
            yield Finding(
                kind="role-connections-high",
                object=f"role {role}",
                severity="failed" if taken[role] >= limit else "attention",
                said=f"The role {role} has {taken[role]} of the {limit} connections that it may have.",
                why="Its next connection is refused, though the server has room.",
                todo=f"Look what holds them, or give it more: ALTER ROLE {role} CONNECTION LIMIT.",
            )


def _most(groups: Sequence[_Group]) -> str:
    largest = sorted(groups, key=lambda each: -each.count)[:_NAMED]
    return ", ".join(f"{each.name} {each.count}" for each in largest)
