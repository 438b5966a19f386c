"""The project's own assertions, and RLS coverage, on the database as the rehearsal left it.

Source: staging-rehearsal.md, section 6.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from ops import contract, rls, triage
from ops.evidence import Evidence
from ops.rehearsal import Rehearsing
from ops.verdict import ContractFile, RlsFinding


def check_contract(rehearsing: Rehearsing) -> Evidence:
    """Run the SQL contract and the pgTAP suites; none is passed over in silence."""
    if rehearsing.stopped:
        said = f"The contract was not tried, since {rehearsing.stopped} failed."
        return Evidence(ok=True, summary=said, idle=True)
    found = contract.check(rehearsing.target.dsn, rehearsing.project, bindir=rehearsing.bindir)
    if found.missing and not rehearsing.project.configured:
        # Without a runbooks.toml nobody has said that there should be one.
        rehearsing.findings.append(found.missing)
        found = found.model_copy(update={"missing": None})
    stand_ins = tuple(sorted({*rehearsing.base.stand_ins, *found.stand_ins}))
    rehearsing.base = rehearsing.base.model_copy(update={"stand_ins": stand_ins})
    rehearsing.contract = found
    passed = sum(file.passed for file in found.files)
    bad = [file for file in found.files if file.failed or file.error]
    return Evidence(
        ok=not bad and found.missing is None,
        idle=not found.files and found.missing is None,
        summary=_sentence(found.missing, passed, len(found.files), bad),
        rows=tuple(file.model_dump(mode="json") for file in found.files),
    )


def check_rls(rehearsing: Rehearsing) -> Evidence:
    """Check that every table of an exposed schema is covered by RLS."""
    found = rls.check(rehearsing.target.observer, schemas=rls.exposed_schemas(rehearsing.project))
    found = found.model_copy(
        update={"findings": tuple(_known(each, rehearsing.project.rls_holes) for each in found.findings)}
    )
    rehearsing.rls = found
    holes = [finding for finding in found.findings if finding.level == "error"]
    seen = f"{triage.counted(len(found.tables), 'exposed table')}, {triage.counted(len(holes), 'RLS hole')}."
    return Evidence(
        ok=not holes,
        summary=f"{seen} The first: {holes[0].message}" if holes else seen,
        rows=tuple(finding.model_dump() for finding in found.findings),
    )


def _known(finding: RlsFinding, holes: Sequence[str]) -> RlsFinding:
    """A hole that the project knows of and has not closed yet blocks nobody's change, and is said each time."""
    if finding.level != "error" or not any(fnmatch.fnmatchcase(finding.table, hole) for hole in holes):
        return finding
    return finding.model_copy(
        update={"level": "warning", "message": f"{finding.message} (rls_holes says that it is known)"}
    )


def _sentence(missing: str | None, passed: int, files: int, bad: list[ContractFile]) -> str:
    parts = [f"{passed} assertions hold in {files} files" if files else "no contract file and no pgTAP suite"]
    if bad:
        why = bad[0].error or " ".join("".join(bad[0].failures[:1]).split())
        parts.append(f"{len(bad)} fail, the first is {bad[0].name}: {why}")
    if missing:
        parts.append(missing)
    return "; ".join(parts) + "."
