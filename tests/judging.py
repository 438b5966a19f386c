"""The gate of a pull request as a plain function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.pr_gate import pr_gate
from ops import errors
from ops.choices import PullRequestChoices
from ops.pull_request_result import PullRequest


def judged(root: Path, staging: str = "", *, environment: str = "throw-away", **choices: Any) -> PullRequest:
    """Judge the branch that is checked out against main, and return what was found however it ended."""
    chosen = PullRequestChoices(out=str(root.parent), **choices)
    try:
        return pr_gate.fn(str(root), "main", environment, staging, chosen)
    except errors.OpsError as error:
        if isinstance(error.evidence, PullRequest):
            return error.evidence
        raise
