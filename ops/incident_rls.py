"""An incident of row level security: the policies that stand, who sees what by them, and what would mend it.

Source: supabase-operations.md, "RLS Misconfiguration".
"""

from __future__ import annotations

from pathlib import Path

from ops import checking, errors, rls_contract, rls_correction
from ops.check_looks import check
from ops.checking import Checking, CheckPlan
from ops.evidence import Evidence
from ops.rls_contract import RlsContract

KIND = "incident-rls"
MENDING, BACK = "corrective.sql", "corrective.rollback.sql"
_BACK = """\
-- Brings back what stood during the incident, as a rollback must where a migration of the project has made it.
-- Where other hands did, no migration has it, and the rehearsal says so: then take corrective.sql as the rollback too.
"""


def plan(path: str, environment: str, table: str) -> CheckPlan:
    """Read the project and say which table is looked at; reads files only.

    Raises:
        Refused: there is no such project or environment, there is no contract, or it does not have the table.
    """
    found = checking.plan(path, environment, kind=KIND)
    declared = rls_contract.read(found.project.root / rls_contract.CONVENTION)
    if not table:
        return found
    name = table if "." in table else f"public.{table}"
    if name not in declared.tables:
        raise errors.Refused(
            f"The contract of row level security does not have {name}, so nobody has said who may see what of it; "
            f"nothing was looked at. It has: {', '.join(sorted(declared.tables)) or 'no table'}. Leave `table` empty "
            "to look at all."
        )
    return found.model_copy(update={"table": name, "summary": f"{found.summary} Only {name} is looked at."})


@check("policies")
def list_policies(checking: Checking) -> Evidence:
    """List every policy as it stands; whether that is right is said by the contract."""
    there = _there(checking)
    if there is None:
        return checking.unseen(
            "Nobody could try the policies.",
            "See why the contract could not be tried, and start the run again.",
        )
    rows = [
        {"table": name, "row level security": _switched(table.enabled, table.forced), "policy": policy}
        | each.model_dump(mode="json")
        for name, table in sorted(there.tables.items())
        for policy, each in sorted(table.policies.items())
    ]
    off = [name for name, table in there.tables.items() if not table.enabled]
    said = f" Row level security is off on {', '.join(sorted(off))}." if off else ""
    return checking.found([], f"{len(rows)} policies stand on {len(there.tables)} tables.{said}", rows=rows)


@check("corrective migration")
def propose(checking: Checking) -> Evidence:
    """Write the migration that brings the policies back to the contract, and its rollback; nothing is applied."""
    there = _there(checking)
    if there is None or checking.bundle is None:
        return checking.idle("Nobody knows what stands, so nothing is proposed.")
    wanted = rls_contract.read(checking.plan.project.root / rls_contract.CONVENTION)
    forth = rls_correction.statements(wanted=wanted, there=there)
    if not forth:
        return checking.found(
            [],
            "The policies are as the contract has them, so no migration is proposed. What a role can do otherwise "
            "comes from grants, from a function or a view.",
        )
    back = rls_correction.statements(wanted=there, there=wanted)
    checking.bundle.write_text(MENDING, "".join(f"{line}\n" for line in forth))
    checking.bundle.write_text(BACK, _BACK + "".join(f"{line}\n" for line in back))
    return checking.found(
        [],
        f"{MENDING} in the bundle has the {len(forth)} statements that bring the policies back to the contract, "
        f"{BACK} the way back. Read it, make it a migration of the project (supabase migration new), rehearse it, "
        f"and run emergency-migration/{checking.plan.environment.name}: somebody else approves it.",
        rows=[{"statement": line} for line in forth],
    )


def _there(checking: Checking) -> RlsContract | None:
    """Return what the trial has found, as it lies in the bundle: a later attempt of the run has it too."""
    path = Path(checking.bundle.path, rls_contract.CONVENTION.name) if checking.bundle else None
    if path is None or not path.is_file():
        return None
    return rls_contract.read(path)


def _switched(enabled: bool, forced: bool) -> str:
    return "off" if not enabled else "forced" if forced else "on"
