"""What must have been seen elsewhere before a promotion: that the change soaked, and that its P0 rollback works.

Source: phase2-rollout-and-eval.md, "Release Gates", 1.5 and 2.
"""

from __future__ import annotations

from pathlib import Path

from ops import kept_evidence
from ops.change import Change
from ops.evidence import Evidence
from ops.kept_evidence import Kept, Result
from ops.project import Environment, Project
from ops.verdict import Verdict

SOAK, SOAK_RESULT = "staging-soak", "soak.json"
P0, P0_RESULT = "p0-rollback", "p0-rollback.json"


def check_soak(operated: Project, where: Environment, *, out: Path, digest: str) -> Evidence:
    """Say whether the migrations of this digest have soaked where the environment says; `out`: where evidence lies.

    The newest soak of them counts. One that had gaps has not passed, which is its own verdict.
    """
    needed = where.promotion.soak
    if needed is None:
        return Evidence(ok=True, idle=True, summary=f"{where.name} does not ask for a soak.")
    if needed not in operated.environments:
        return Evidence(
            ok=False,
            summary=f"The soak of {where.name} names the environment {needed!r}, which {operated.name} does not have, "
            "so nothing is promoted. Mend `soak` of its promotion in runbooks.toml.",
        )

    def about(result: Result) -> bool:
        return result.get("environment") == needed and result.get("migrations_digest") == digest

    found = kept_evidence.newest(out, SOAK, result=SOAK_RESULT, about=about)
    return _judged(
        found,
        what=f"The soak on {needed}",
        missing=_other(out, SOAK, SOAK_RESULT, needed),
        todo=f"Run staging-soak on {needed} to its end.",
    )


def check_p0(where: Environment, change: Change, *, out: Path) -> Evidence:
    """Say whether the P0 rollback was rehearsed for the migrations of this change; `out`: where evidence lies.

    The newest rehearsal counts; a P0 rollback that was done in earnest is none. One on a clone of this environment
    must have had the overlay that is promoted; another environment has an overlay of its own.
    """
    if not where.promotion.require_p0:
        return Evidence(ok=True, idle=True, summary=f"{where.name} does not ask for a rehearsed P0 rollback.")

    def about(result: Result) -> bool:
        fits = result.get("environment") != where.name or result.get("overlays_digest") == change.overlay
        return (
            result.get("rehearsal") is True and result.get("migrations_digest") == change.migrations and fits
        )

    found = kept_evidence.newest(out, P0, result=P0_RESULT, about=about)
    todo = "Run p0-rollback as a rehearsal."
    return _judged(found, what="The rehearsal of the P0 rollback", missing="", todo=todo)


def _judged(found: Kept | None, *, what: str, missing: str, todo: str) -> Evidence:
    if found is None:
        said = f"{what} of this change has not been done{missing}, so nothing is promoted. {todo}"
        return Evidence(ok=False, summary=said)
    if found.problem:
        said = f"{what} of this change cannot be believed: {found.problem} So nothing is promoted. {todo}"
        return Evidence(ok=False, summary=said, rows=(found.row,))
    verdict = found.result.get("verdict")
    ended = found.result.get("ended") or found.row["ended"]
    passed = verdict == Verdict.PASSED
    rest = "." if passed else f", so nothing is promoted. Look at {found.path.name}. {todo}"
    return Evidence(
        ok=passed,
        summary=f"{what} of this change {'passed' if passed else f'ended as {verdict!r}'} ({ended}){rest}",
        rows=({**found.row, "verdict": verdict},),
    )


def _other(out: Path, kind: str, result: str, environment: str) -> str:
    """Say of which other change there is evidence, since that is what somebody may have meant."""
    found = kept_evidence.newest(
        out, kind, result=result, about=lambda of: of.get("environment") == environment
    )
    digest = found.result.get("migrations_digest") if found else None
    return f" (the last one was of another change, {str(digest)[:8]})" if digest else ""
