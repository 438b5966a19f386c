"""What a trial of row level security could not tell: acts that nobody could try, and an owner who is nobody there."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator

from ops.checks import Finding
from ops.rls_contract import RlsContract, TableContract

# What staff may do with rows that are nobody's moves them to no other tenant.
_ORDINARY = ("anon", "owner", "other")
_TRIED = ("read", "insert", "update", "delete")
_GIVE = (
    "Say in runbooks.toml what two ordinary people have: [rls.claims.owner] and [rls.claims.other], the claims of "
    "their tokens, and [rls.rows.owner] and [rls.rows.other], their rows by table; "
    "and what staff has in the same way, under another name."
)


def find(
    contract: RlsContract, *, asking: Collection[str], tenants: Collection[str], known: Collection[str]
) -> tuple[Finding, ...]:
    """Return what the contract is silent about although policies ask who the caller is.

    `asking` are the tables whose policies do so; a row of `tenants` is moved by what links people to it, and `known`
    (globs) of which that is known.
    """
    return tuple(
        finding.model_copy(update={"severity": "note"}) if _is_known(name, known) else finding
        for name, table in sorted(contract.tables.items())
        if table.untried is None and table.enabled
        for finding in _table(name, table, asks=name in asking, tenant=name in tenants)
    )


def _is_known(name: str, known: Collection[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in known)


def _table(name: str, table: TableContract, *, asks: bool, tenant: bool) -> Iterator[Finding]:
    acts = {role: found for role, found in table.acts.items() if role != "service_role"}
    people = [found for role, found in acts.items() if role not in ("anon", "other")]
    untried = [
        f"{role} can {act}"
        for role, found in acts.items()
        for act in _TRIED
        if getattr(found, act) == "untried"
    ]
    if untried:
        yield Finding(
            kind="rls-act-untried",
            object=name,
            severity="attention",
            said=f"Nobody could try in {name} whether {', '.join(untried)}: the server gave another error.",
            why="The contract says nothing of it, so that no change of it is noticed.",
            todo=f"Give the table a row that may be written and changed, in [deploy.samples]. {_GIVE}",
        )
    if not asks:
        return
    if not any(getattr(each, act) in ("yes", "untried") for each in people for act in _TRIED):
        yield Finding(
            kind="rls-owner-powerless",
            object=name,
            severity="attention",
            said=f"The owner can do nothing with a row of {name}, though its policies ask who the caller is."
            + (" Nor could it be tried to move one to somebody else." if table.moved_by is None else ""),
            why="The trial may lack what the policies ask for; then the contract is true of nobody, and a policy "
            "that is broken may not be noticed.",
            todo=f"{_GIVE} If neither may do anything there, name the table in `known` of [rls].",
        )
    if (
        table.moved_by is None
        and not tenant
        and any(acts[role].update in ("yes", "untried") for role in _ORDINARY)
    ):
        yield _unmoved(name)


def _unmoved(name: str) -> Finding:
    return Finding(
        kind="rls-move-untried",
        object=name,
        severity="attention",
        said=f"Nobody could try to make a row of {name} somebody else's: no column says whose it is.",
        why="A policy that lets a row go to another tenant is not noticed.",
        todo=f"{_GIVE} If its rows are nobody's, name the table in `known` of [rls].",
    )
