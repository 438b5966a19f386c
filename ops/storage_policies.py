"""What Storage's own tables let visitors do: as the contract says, or where there is none, not everything.

Source: supabase-operations.md, "Quarterly" (audit RLS policies) and "Storage Incident" ("validate bucket policy").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ops import errors, folding, storage_contract
from ops.access_platform import API
from ops.access_words import quoted
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from ops.rls_contract import Policy, TableContract
from ops.storage_contract import StorageContract

_EVERYBODY = "public"
_SIGNED_IN = re.compile(r"(\( ?SELECT auth\.uid\(\)( AS \w+)?\)|auth\.uid\(\)) IS NOT NULL", re.IGNORECASE)
_DOES = {"SELECT": "read", "INSERT": "add", "UPDATE": "change", "DELETE": "remove"}
_WHAT = {"storage.objects": "files of every bucket, private ones too", "storage.buckets": "buckets"}


@check("policies of Storage")
def check_storage(checking: Checking) -> Evidence:
    """Hold buckets and policies of Storage against the contract; without one, find those that hold nobody."""
    path = checking.plan.project.root / storage_contract.CONVENTION
    declared = storage_contract.read(path) if path.is_file() else None
    try:
        with checking.reading() as connection:
            there = storage_contract.of_database(connection)
    except errors.Refused as error:
        if declared is None and str(error) == storage_contract.ABSENT:
            return checking.idle("This database has no Storage.")
        raise
    if declared is not None:
        return checking.found(
            storage_contract.compare(declared, there),
            f"{len(there.buckets)} buckets and their policies are as the contract says.",
        )
    return checking.found(
        tuple(open_to_all(there)),
        f"No policy of Storage lets everybody do everything; what is meant is in no contract "
        f"({storage_contract.CONVENTION.as_posix()}).",
    )


def open_to_all(there: StorageContract) -> Iterator[Finding]:
    """Yield what lets a visitor do something with everything: a table without RLS, a policy without a condition."""
    for name, table in there.tables.items():
        if not table.enabled:
            yield _switched_off(name)
            continue
        for policy, said in table.policies.items():
            acts = {role: acts for role in API if (acts := _let_do(said, table, role))}
            if acts:
                yield _open(name, policy, acts)


def _let_do(policy: Policy, table: TableContract, role: str) -> tuple[str, ...]:
    """Return which commands a policy lets a role do with everything."""
    if not policy.permissive:
        return ()
    return tuple(
        command
        for command in _DOES
        if _lets(policy, command, role)
        # Of the restrictive ones each must let it pass as well.
        and all(
            _lets(other, command, role)
            for other in table.policies.values()
            if not other.permissive and _concerns(other, command, role)
        )
    )


def _lets(policy: Policy, command: str, role: str) -> bool:
    """Whether a policy is about a command of a role, and true for it whatever the row is."""
    if not _concerns(policy, command, role):
        return False
    added = command == "INSERT" and policy.check is not None
    predicate = policy.check if added else policy.using
    return predicate is not None and folding.is_true(_for_a_person(predicate, role), role=role)


def _concerns(policy: Policy, command: str, role: str) -> bool:
    return policy.command in ("ALL", command) and not {role, _EVERYBODY}.isdisjoint(policy.roles)


def _for_a_person(predicate: str, role: str) -> str:
    """Return a predicate with what it asks of everybody who has signed in answered."""
    return _SIGNED_IN.sub("true" if role == "authenticated" else "false", predicate)


def _switched_off(name: str) -> Finding:
    return Finding(
        kind="storage-rls-off",
        object=name,
        severity="failed",
        said=f"Row level security of {name} is off: whoever has a right on it does so with all {_WHAT[name]}.",
        why="No policy of Storage holds anybody, and the public key is enough.",
        todo=f"Run: alter table {quoted(*name.split('.'))} enable row level security;",
    )


def _open(name: str, policy: str, acts: Mapping[str, tuple[str, ...]]) -> Finding:
    done = [word for command, word in _DOES.items() if any(command in each for each in acts.values())]
    only_names = name == "storage.buckets" and done == [_DOES["SELECT"]]
    return Finding(
        kind="storage-policy-open",
        object=f"{name} {policy}",
        severity="attention" if only_names else "failed",
        said=f'The policy "{policy}" of {name} lets {" and ".join(acts)} {", ".join(done)} {_WHAT[name]}: it asks for '
        "no bucket and no owner.",
        why="Everybody knows which buckets there are."
        if only_names
        else "The public key is enough, or an account that anybody may make.",
        todo="Make a policy that asks for bucket_id and for the owner. Then run: drop policy "
        f"{quoted(policy)} on {quoted(*name.split('.'))}; Commit what is meant: runbooks storage declare.",
    )
