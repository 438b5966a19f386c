"""Who may do what to whose row: the contract of row level security, tried as each role and committed to the project.

Source: supabase-operations.md, "Quarterly" (audit RLS policies), "Dry Run" (RLS tests) and "RLS Misconfiguration".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from ops import committed
from ops.checks import Finding
from ops.settings import Strict

CONVENTION = Path("supabase/rls.contract.json")
VERSION = 1
# `owner` and `other` are two people who have signed in, as authenticated; the row that is tried is the owner's. A
# contract may have more people, who are named in [rls] of runbooks.toml.
ROLES = ("anon", "owner", "other", "service_role")
ACTS = ("read", "insert", "update", "delete", "move")
# `no`: the role meets no such row; `refused`: the server says no; `untried`: nobody knows.
Outcome = Literal["yes", "no", "refused", "untried"]
_VERBS = {
    "read": "read",
    "insert": "insert",
    "update": "update",
    "delete": "delete",
    "move": "move to somebody else",
}
_WHO = {
    "anon": "Whoever has no account",
    "owner": "The owner",
    "other": "Somebody else who is signed in",
    "service_role": "service_role",
}


class Acts(Strict):
    """What one role can do to the owner's row, or in the owner's name."""

    read: Outcome = "untried"
    insert: Outcome = "untried"
    update: Outcome = "untried"
    delete: Outcome = "untried"
    move: Outcome = "untried"


class Policy(Strict):
    """A policy as the server writes it."""

    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None


class TableContract(Strict):
    """What holds for one table; `moved_by` is the column that says whose a row is."""

    enabled: bool
    forced: bool
    moved_by: str | None = None
    acts: dict[str, Acts] = Field(default_factory=dict)
    policies: dict[str, Policy] = Field(default_factory=dict)
    untried: str | None = Field(default=None, description="why the table was not tried")


class RlsContract(Strict):
    """What holds for every table that the API serves."""

    version: Literal[1] = VERSION
    written_by: int = Field(description="major version of the server whose words the predicates are")
    tables: dict[str, TableContract]


def read(path: Path) -> RlsContract:
    """Read a committed contract.

    Raises:
        Refused: there is no such file, or it is no contract.
    """
    return committed.read(
        path, RlsContract, unsaid="who may read and write what", declare="runbooks rls declare"
    )


def only(contract: RlsContract, table: str) -> RlsContract:
    """Return what a contract says of one table; of all where `table` is empty."""
    if not table:
        return contract
    return contract.model_copy(update={"tables": {k: v for k, v in contract.tables.items() if k == table}})


def text(contract: RlsContract) -> str:
    """Return the contract as it is committed: sorted, so that a change of one policy is a change of few lines."""
    return json.dumps(contract.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def compare(declared: RlsContract, found: RlsContract) -> tuple[Finding, ...]:
    """Return every way in which a database does otherwise than the contract says."""
    names = sorted(declared.tables.keys() | found.tables.keys())
    same_words = declared.written_by == found.written_by
    return tuple(
        finding
        for name in names
        for finding in _table(name, declared.tables.get(name), found.tables.get(name), same_words=same_words)
    )


def _table(
    name: str, declared: TableContract | None, found: TableContract | None, *, same_words: bool
) -> Iterator[Finding]:
    if declared is None:
        yield Finding(
            kind="rls-not-declared",
            object=name,
            severity="attention",
            said=f"{name} is served by the API, and the contract does not have it.",
            why="Nobody has said who may read and write it.",
            todo="Declare it with the migration that makes it: runbooks rls declare.",
        )
        return
    if found is None:
        yield Finding(
            kind="rls-table-gone",
            object=name,
            severity="attention",
            said=f"{name} stands in the contract, and the API does not serve it any more.",
            why="Either the table or the contract is out of date.",
            todo="Write the contract again if that is meant: runbooks rls declare.",
        )
        return
    if declared.enabled and not found.enabled:
        yield Finding(
            kind="rls-switched-off",
            object=name,
            severity="failed",
            said=f"Row level security of {name} is off, and the contract says that it is on.",
            why="No policy of the table holds anybody.",
            todo=f"Run: alter table {name} enable row level security; and find out who switched it off.",
        )
    if declared.forced and not found.forced:
        yield _changed(name, "force", f"Row level security of {name} is not forced on its owner any more.")
    yield from _acts(name, declared, found)
    yield from _policies(name, declared, found, same_words=same_words)


def _acts(name: str, declared: TableContract, found: TableContract) -> Iterator[Finding]:
    if found.untried is not None:
        yield _not_tried(
            name, f"who may read and write {name}: {found.untried}", known=declared.untried is not None
        )
        return
    silent: list[str] = []
    for role in dict.fromkeys((*ROLES, *declared.acts, *found.acts)):
        said, seen = declared.acts.get(role, Acts()), found.acts.get(role, Acts())
        for act in ACTS:
            wanted, got = getattr(said, act), getattr(seen, act)
            # Whether nothing is met or the server refuses is the same to whoever tries it.
            if got == "untried" and wanted != "untried":
                yield _not_tried(f"{name} {role} {act}", f"whether {role} can {_VERBS[act]} a row of {name}.")
            elif wanted == "untried" != got:
                silent.append(f"{role} can{'' if got == 'yes' else 'not'} {_VERBS[act]}")
            elif "untried" not in (wanted, got) and (wanted == "yes") != (got == "yes"):
                yield _otherwise(name, role, act, can=got == "yes")
    if silent:
        yield Finding(
            kind="rls-not-said",
            object=name,
            severity="attention",
            said=f"The contract does not say of {name} what was tried now: {'; '.join(silent)}.",
            why="Nobody has read that, and no change of it is noticed.",
            todo="Write the contract again, read it, and commit it: runbooks rls declare.",
        )


def _not_tried(place: str, what: str, *, known: bool = False) -> Finding:
    return Finding(
        kind="rls-not-tried",
        object=place,
        severity="note" if known else "attention",
        said=f"Nobody has tried {what}",
        why="Only policies were compared with the contract, and not what they do.",
        todo="Try it on a copy: runbooks rls check against staging or a restored backup.",
    )


def _otherwise(name: str, role: str, act: str, *, can: bool) -> Finding:
    whose = "a row of the owner's" if role != "owner" else "the own row"
    what = {"insert": "insert a row in the owner's name" if role != "owner" else "insert an own row"}.get(
        act, f"{_VERBS[act]} {whose}" if act != "move" else f"make {whose} somebody else's"
    )
    return Finding(
        kind="rls-too-wide" if can else "rls-too-narrow",
        object=f"{name} {role} {act}",
        severity="failed",
        said=f"{_WHO.get(role, role)} can{'' if can else 'not'} {what} in {name}; the contract says otherwise.",
        why="Data may be read or changed by whom it is not meant for."
        if can
        else "The app is refused what it needs.",
        todo="Run incident-rls for the table: it shows its policies, and takes a corrective migration.",
    )


def _policies(
    name: str, declared: TableContract, found: TableContract, *, same_words: bool
) -> Iterator[Finding]:
    for policy in sorted(declared.policies.keys() | found.policies.keys()):
        was, now = declared.policies.get(policy), found.policies.get(policy)
        if now is None:
            yield _changed(name, policy, f'The policy "{policy}" of {name} is gone.')
        elif was is None:
            yield _changed(name, policy, f'The policy "{policy}" of {name} is not in the contract.')
        elif was != now:
            parts = [part for part in Policy.model_fields if getattr(was, part) != getattr(now, part)]
            said = "; ".join(f"{part} was {_shown(was, part)} and is {_shown(now, part)}" for part in parts)
            changed = _changed(name, policy, f'The policy "{policy}" of {name} is another one: {said}.')
            # Servers of two major versions may write the same predicate in two ways.
            only_words = not same_words and set(parts) <= {"using", "check"}
            yield changed.model_copy(update={"severity": "attention"}) if only_words else changed


def _shown(policy: Policy, part: str) -> str:
    value = getattr(policy, part)
    return ", ".join(policy.roles) if part == "roles" else str(value)


def _changed(name: str, part: str, said: str) -> Finding:
    return Finding(
        kind="rls-policy-changed",
        object=f"{name} {part}",
        severity="failed",
        said=said,
        why="Nobody has committed that to the contract, so nobody has read it.",
        todo="Find the migration or the hand that did it; if it is meant, write the contract again and commit it.",
    )
