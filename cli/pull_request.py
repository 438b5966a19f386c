"""`runbooks pr-gate`: the gate of a pull request in this process, without a Prefect server."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from cli import destination
from cli.screen import Screen
from ops import errors, pull_request_finish, pull_request_note, redaction, secrets
from ops.choices import PullRequestChoices
from ops.pull_request_result import PullRequest
from ops.verdict import Verdict
from tasks import runbook
from tasks.step import observing


def gate(
    path: Path,
    base: str,
    environment: str,
    staging: str,
    choices: PullRequestChoices,
    *,
    json_file: Path | None,
    markdown_file: Path | None,
) -> int:
    """Judge the branch that is checked out at `path`; return 0 holds, 1 found wrong, 2 refused, 3 unavailable.

    The result is written to both files whatever it is, `-` being standard output, and nothing else goes there
    then. What never began is said on standard error.
    """
    redaction.install()
    for file, option in ((json_file, "--json"), (markdown_file, "--markdown")):
        if problem := destination.problem(file, option):
            print(problem, file=sys.stderr)
            pull_request_finish.without_gate(path, base, environment, choices, errors.Refused(problem))
            return Verdict.REFUSED.exit_code
    taken = destination.is_standard_output(json_file) or destination.is_standard_output(markdown_file)
    screen = Screen(sys.stderr if taken else None)
    with observing(screen):
        found = _run(path, base, environment, staging, choices)
    (screen if found.bundle else Screen(sys.stderr)).verdict(found)
    if json_file:
        destination.write_json(json_file, found.published())
    if markdown_file:
        destination.write(markdown_file, pull_request_note.markdown(found))
    return found.verdict.exit_code


def _run(path: Path, base: str, environment: str, staging: str, choices: PullRequestChoices) -> PullRequest:
    # Before the runbook is imported, which would take Prefect's two seconds otherwise.
    runbook.without_prefect()
    from flows.pr_gate import pr_gate

    try:
        return pr_gate.fn(str(path), base, environment, staging, choices)
    except errors.OpsError as error:
        if error.__cause__:
            print(secrets.redact(traceback.format_exc()), file=sys.stderr)
        if isinstance(error.evidence, PullRequest):
            return error.evidence
        raise
