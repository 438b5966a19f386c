"""`runbooks pr-gate`: the gate of a pull request in this process, without a Prefect server."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from cli import destination
from cli.screen import Screen
from ops import errors, pull_request_note, redaction, secrets
from ops.choices import PullRequestChoices
from ops.pull_request_result import Branch, PullRequest
from ops.verdict import Base, Failure, Verdict
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
            return Verdict.REFUSED.exit_code
    taken = destination.is_standard_output(json_file) or destination.is_standard_output(markdown_file)
    screen = Screen(sys.stderr if taken else None)
    started = datetime.now(UTC)
    with observing(screen):
        found = _run(path, base, environment, staging, choices, started)
    (screen if found.bundle else Screen(sys.stderr)).verdict(found)
    if json_file:
        destination.write_json(json_file, found.published())
    if markdown_file:
        destination.write(markdown_file, pull_request_note.markdown(found))
    return found.verdict.exit_code


def _run(
    path: Path, base: str, environment: str, staging: str, choices: PullRequestChoices, started: datetime
) -> PullRequest:
    # Before the runbook is imported, which would take Prefect's two seconds otherwise.
    runbook.without_prefect()
    from flows.pr_gate import pr_gate

    def ended(said: str, verdict: Verdict) -> PullRequest:
        message = secrets.redact(said)
        return PullRequest(
            ok=False,
            verdict=verdict,
            summary=message,
            project=path.resolve().name,
            environment=environment,
            started=started.isoformat(timespec="seconds"),
            base=Base(place=environment),
            error=Failure(message=message),
            branch=Branch(base=base),
        )

    try:
        return pr_gate.fn(str(path), base, environment, staging, choices)
    except errors.OpsError as error:
        if isinstance(error.evidence, PullRequest):
            return error.evidence
        return ended(str(error), Verdict.of(error))
    except Exception as error:
        # Nothing was found out, so it neither holds nor is wrong; whoever reads the JSON must learn that too.
        print(secrets.redact(traceback.format_exc()), file=sys.stderr)
        said = f"The gate ended in a defect of its own, {type(error).__name__}: {error}. Please report it."
        return ended(said, Verdict.UNAVAILABLE)
