"""What a role may by its memberships, over any number of them: whom it becomes, and whose rights it has at once."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

# What no membership hands down: a role has it, or becomes the one that has it.
ATTRIBUTES = {
    "superuser": "superuser",
    "bypass_rls": "BYPASSRLS",
    "create_role": "CREATEROLE",
    "replication": "REPLICATION",
}
# Roles of the server itself, by what their members may.
_OF_SERVER = {
    "pg_read_all_data": "reads every table",
    "pg_write_all_data": "writes every table",
    "pg_execute_server_program": "runs programs on the server",
    "pg_read_server_files": "reads the files of the server",
    "pg_write_server_files": "writes the files of the server",
    "pg_maintain": "locks and rebuilds every table",
    "pg_signal_backend": "ends the sessions of others",
    "pg_create_subscription": "subscribes to other servers",
}
# What these own is the project's tables and the platform's; an owner is held by no policy, nor who inherits from one.
_OWNERS = (
    *("postgres", "supabase_admin", "supabase_auth_admin", "supabase_storage_admin"),
    *("supabase_functions_admin", "supabase_realtime_admin"),
)


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
    expired: datetime | None


@dataclass(frozen=True)
class Membership:
    """One grant of a role; since PostgreSQL 16 each has its options, and only its grantor's hand takes it back."""

    member: str
    group: str
    admin: bool
    inherit: bool
    may_become: bool
    grantor: str
    of_grantor: bool


class Memberships:
    """The memberships of a server, and what roles may by them."""

    def __init__(self, holders: Mapping[str, Holder], grants: Iterable[Membership]) -> None:
        self._holders = holders
        self._grants: dict[str, list[Membership]] = defaultdict(list)
        for each in grants:
            self._grants[each.member].append(each)

    def of(self, name: str) -> dict[str, list[Membership]]:
        """Return the grants of a role by the role that was granted."""
        found: dict[str, list[Membership]] = defaultdict(list)
        for each in self._grants.get(name, ()):
            found[each.group].append(each)
        return found

    def powers(self, name: str, group: str) -> tuple[str, ...]:
        """Return what a role may by its membership in a group, each with the path that leads there."""
        return tuple(
            f"{' → '.join(path)}: {', '.join(said)}"
            for path, becomes in self._reached(name, group)
            if (said := self._power(path[-1], becomes=becomes))
        )

    def _power(self, name: str, *, becomes: bool) -> list[str]:
        holder = self._holders.get(name)
        if holder is None:
            return [_OF_SERVER[name]] if name in _OF_SERVER else []
        if not becomes:
            return ["owner of its tables"] if name in _OWNERS else []
        if holder.superuser:
            return [ATTRIBUTES["superuser"]]
        return [word for attribute, word in ATTRIBUTES.items() if getattr(holder, attribute)]

    def _reached(self, name: str, group: str) -> Iterator[tuple[tuple[str, ...], bool]]:
        """Yield each role that is reached by way of a group, the nearest first, and whether it can be become."""
        found: dict[str, tuple[tuple[str, ...], bool]] = {}
        waiting: deque[tuple[tuple[str, ...], bool]] = deque()
        first = (step for step in self._steps(name, becomes=True) if step[1].group == group)
        waiting.extend(((name, grant.group), becomes) for becomes, grant in first)
        while waiting:
            path, becomes = waiting.popleft()
            known = found.get(path[-1])
            if known and (known[1] or not becomes):
                continue
            found[path[-1]] = (path, becomes)
            waiting.extend(
                ((*path, grant.group), next_becomes)
                for next_becomes, grant in self._steps(path[-1], becomes=becomes)
            )
        yield from found.values()

    def _steps(self, name: str, *, becomes: bool) -> Iterator[tuple[bool, Membership]]:
        """Yield the grants of a role that lead on; who only inherits may still hand on to itself as an admin."""
        for each in self._grants.get(name, ()):
            if each.admin or (becomes and each.may_become):
                yield True, each
            elif each.inherit:
                yield False, each
