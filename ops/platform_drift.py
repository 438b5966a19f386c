"""What matters of the platform's own all the same: who may read its tables, and what somebody has put among them.

What is compared is what protects rows: row level security where the project has policies, and rights of the API's roles
beyond those that they always have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ops import parts, platform
from ops.schema import Key, Snapshot

_OPEN = frozenset({"anon", "authenticated", "public"})
_SECURITY = ("row level security", "force row level security")
_RELATION = ("table", "view")
_TO = re.compile(r" to (\S+)\Z")
_OWNER = re.compile(r"^owner (\S+)$", re.MULTILINE)
_MADE_BY_HAND = frozenset({"function", "procedure", "aggregate", "table", "view", "materialized view"})


def compared(made: Snapshot, staging: Snapshot, *, bare: Snapshot) -> tuple[Snapshot, Snapshot]:
    """Return what is to be compared of the platform's own: what the migrations make, and what staging has.

    `made` is what the migrations produce on a database that was `bare` before them.
    """
    own = _with_policies(made, bare)
    left: dict[Key, str] = {}
    right: dict[Key, str] = {}
    for key in own:
        if _security(made[key]) != _security(staging.get(key, "")):
            left[key], right[key] = _security(made[key]), _security(staging.get(key, ""))
    for key in {*made, *staging}:
        if key[0] == "grant" and _is_open(key, bare) and _differs(key, made, staging, own):
            left |= {key: made[key]} if key in made else {}
            right |= {key: staging[key]} if key in staging else {}
    return left, right


def strange(made: Snapshot, staging: Snapshot, *, bare: Snapshot) -> tuple[str, ...]:
    """Return what stands in the platform's schemas, is owned by no role of the platform, and no migration makes."""
    found = (
        f"{key[0]} {key[1]} (owner {owner})"
        for key, text in staging.items()
        if key[0] in _MADE_BY_HAND and key not in made and key not in bare
        if platform.places(key, text) & (platform.SCHEMAS - platform.SERVICES)
        if (owner := _owner(text)) and not platform.is_role(owner)
    )
    return tuple(sorted(found))


def _with_policies(made: Snapshot, bare: Snapshot) -> frozenset[Key]:
    """Return the platform's tables with row level security on which the project has policies."""
    tables = {
        owner
        for key, text in made.items()
        if key[0] == "policy" and text != bare.get(key)
        for owner in parts.owners(key, text)
    }
    return frozenset(
        key for key in tables & made.keys() if made[key] == bare.get(key) and _security(made[key]) != _off()
    )


def _security(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(line for line in _SECURITY if line in lines) or _off()


def _off() -> str:
    return "no row level security"


def _is_open(key: Key, bare: Snapshot) -> bool:
    """Whether this is a right of one of the API's roles on a table of the platform that is always there."""
    role = _TO.search(key[1])
    if role is None or role[1] not in _OPEN:
        return False
    tables = [owner for owner in parts.owners(key, "") if owner[0] in _RELATION]
    return any(owner in bare or owner[1].startswith("vault.") for owner in tables) and bool(
        platform.places(key, "") & platform.SCHEMAS
    )


def _differs(key: Key, made: Snapshot, staging: Snapshot, own: frozenset[Key]) -> bool:
    if _rights(staging.get(key, "")) - _rights(made.get(key, "")):
        return True
    return key not in staging and not own.isdisjoint(parts.owners(key, ""))


def _rights(text: str) -> frozenset[str]:
    return frozenset(said.split()[0] for said in text.split(", ") if said)


def _owner(text: str) -> str | None:
    found: Iterator[str] = (match[1] for match in _OWNER.finditer(text))
    return next(found, None)
