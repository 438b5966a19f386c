"""The end of the gate: verdict, evidence bundle, and word to the pull request."""

from __future__ import annotations

from typing import Any

from ops import conclusion, handoff, pull_request_github, pull_request_note
from ops.errors import OpsError
from ops.pull_request import Gating
from ops.pull_request_result import PullRequest
from ops.verdict import Failure, Verdict

NOTE = "pull_request.md"


def hand_off(gating: Gating) -> PullRequest:
    """Conclude, write the evidence and seal it; tell the pull request, where that is asked for."""
    return _deposit(gating, _concluded(gating))


def hand_off_broken(gating: Gating, error: OpsError) -> PullRequest:
    """Write, seal and tell what there is when a step could not do its work."""
    ended = {
        "ok": False,
        "verdict": Verdict.of(error),
        "summary": str(error),
        "error": Failure(message=str(error)),
    }
    return _deposit(gating, _concluded(gating).model_copy(update=ended))


def _concluded(gating: Gating) -> PullRequest:
    late = {migration.file for migration in gating.late}
    gating.pending = (*gating.late, *(m for m in gating.pending if m.file not in late))
    found = conclusion.conclude(gating)
    facts: dict[str, Any] = dict(found)
    facts["findings"] = tuple(each for each in found.findings if each not in gating.blocking)
    return PullRequest(
        **facts,
        branch=gating.gate.branch,
        verification=gating.verification,
        drift=gating.drift,
    )


def _deposit(gating: Gating, found: PullRequest) -> PullRequest:
    bundle = gating.bundle
    if bundle is None:
        raise ValueError("a gate is handed off into a bundle")
    found = found.model_copy(update={"bundle": str(bundle.path)})
    told = pull_request_github.tell(gating.gate.choices, found)
    found = found.model_copy(update={"findings": (*found.findings, *told)})
    handoff.write(bundle, found, connectivity=gating.connectivity, before=gating.before, after=gating.after)
    bundle.write_text(NOTE, pull_request_note.markdown(found))
    bundle.seal()
    gating.concluded = found
    return found
