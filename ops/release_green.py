"""Whether the gate of the pull request was green for what is promoted, or somebody has broken the glass for it.

Source: database-pipeline.md, "How to Promote to Production", 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ops import database, handoff, kept_evidence, operated_git, queries, released_files, reviews
from ops.audit import Log, Row
from ops.evidence import Evidence
from ops.kept_evidence import Kept, Result
from ops.project import Environment, Project
from ops.verdict import Verdict

KIND = "pr-gate"
_OVERRIDDEN = {"run": "", "gate": KIND}


@dataclass(frozen=True)
class _Promoted:
    """The commit that is promoted, as evidence of a gate is compared with it."""

    operated: Project
    head: str
    tree: str
    parents: tuple[str, ...]

    def why(self, result: Result) -> str:
        """Say why a gate's result is about this commit, "" if it is about another one."""
        branch = _branch(result)
        judged = str(branch.get("head") or result.get("commit") or "")
        if result.get("project") != self.operated.name or not judged:
            return ""
        root = self.operated.root
        if judged == self.head:
            return "this commit"
        if self.tree in (branch.get("tree"), operated_git.tree(root, judged)):
            return f"{judged[:12]}, which has the same files"
        merged = len(self.parents) > 1 and judged in self.parents
        if merged and operated_git.same(root, judged, self.head, released_files.applied(self.operated)):
            return f"{judged[:12]}, which was merged with the same migrations"
        return ""


def check(operated: Project, where: Environment, *, out: Path, log: Log | None = None) -> Evidence:
    """Say whether the newest gate of a pull request for this commit is green; `out`: where its evidence lies.

    It is about this commit when it judged it, or one with the same files, or a parent of this merge with the same
    migrations. Where it is not green, an override in the environment's audit log (`log`) counts, and is named as one.

    Raises:
        Refused: there is no git.
        Unavailable: git or the database does not answer.
    """
    if not where.promotion.require_gate:
        return Evidence(
            ok=True, idle=True, summary=f"{where.name} does not ask for the gate of a pull request."
        )
    head = operated_git.commit(operated.root)
    if not head:
        return Evidence(
            ok=False,
            summary=f"{operated.name} has no commit that git can read, so it is not known what was gated, and nothing "
            "is promoted. Promote from a clone.",
        )
    root = operated.root
    promoted = _Promoted(operated, head, operated_git.tree(root, head), operated_git.parents(root, head))
    found = kept_evidence.newest(out, KIND, result=handoff.RESULT, about=lambda of: bool(promoted.why(of)))
    problem = _problem(head, found)
    if found and not problem:
        said = f"The gate of the pull request is green for {promoted.why(found.result)}."
        return Evidence(ok=True, summary=said, rows=({**found.row, "commit": head, "verdict": "passed"},))
    glass = _override(where, log, head)
    rows = ({**found.row, "commit": head, "verdict": found.result.get("verdict")},) if found else ()
    if glass and log and glass.id in {row.id for row in reviews.unreviewed(log.rows())}:
        said = (
            f"{problem} {glass.actor} broke the glass for it (row {glass.id}), and nobody else has reviewed that, so "
            f"it is not promoted: runbooks audit review {glass.id} --environment {where.name} --as NAME."
        )
        return Evidence(ok=False, summary=said, rows=rows)
    if glass:
        said = f"OVERRIDDEN: {problem} {glass.actor} broke the glass for it (row {glass.id}): {glass.note}"
        return Evidence(ok=True, summary=said, rows=rows)
    todo = f"Run pr-gate for it, or let somebody answer for it: runbooks audit override {head}."
    return Evidence(ok=False, summary=f"{problem} So it is not promoted. {todo}", rows=rows)


def _problem(head: str, found: Kept | None) -> str:
    if found is None:
        return f"There is no evidence that the gate of a pull request has judged {head[:12]}."
    if found.problem:
        return f"The newest evidence of the gate cannot be believed: {found.problem}"
    if found.result.get("verdict") != Verdict.PASSED:
        said = f"The newest gate of {head[:12]} ended as {found.result.get('verdict')!r} ({found.path.name})."
        return f"{said} {found.result.get('summary', '')}".strip()
    if _branch(found.result).get("clean") is not True:
        return f"The gate in {found.path.name} judged files that were in no commit."
    return ""


def _branch(result: Result) -> Mapping[str, Any]:
    found = result.get("branch")
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _override(where: Environment, log: Log | None, head: str) -> Row | None:
    """Return the row by which somebody has let this commit through, as the log itself wrote it."""
    if log is None or not where.break_glass:
        return None
    with database.translating():
        there, _ = log.connection.execute(queries.load("audit/guarded")).fetchone() or (False, False)
        if not there:
            return None
        asked = {**_OVERRIDDEN, "plan_digest": head}
        rows = [Row(*columns) for columns in log.connection.execute(queries.load("audit/record"), asked)]
    return next((row for row in reversed(rows) if _counts(row, where, log)), None)


def _counts(row: Row, where: Environment, log: Log) -> bool:
    by_hand = row.hash != row.hashed(log.key)
    return (row.event, row.environment, row.proof) == ("break-glass", where.name, "totp") and not by_hand
