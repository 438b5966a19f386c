"""`runbooks p0-rollback`: the P0 rollback, and its rehearsal, in this process, without a Prefect server."""

from __future__ import annotations

import sys
from pathlib import Path

from cli import destination
from cli.screen import Screen
from ops import errors, redaction
from ops.p0_choices import P0Choices
from ops.switch_end import Switched
from ops.verdict import Verdict
from tasks import runbook
from tasks.step import observing


def roll_back(path: Path, environment: str, choices: P0Choices, *, json_file: Path | None) -> int:
    """Reset the providers, put them back or rehearse both; return 0 done, 1 found wrong, 2 refused, 3 unavailable.

    Raises:
        Refused: what was asked for has a mistake.
    """
    redaction.install()
    if problem := destination.problem(json_file):
        print(problem, file=sys.stderr)
        return Verdict.REFUSED.exit_code
    # Before the runbook is imported, which would take Prefect's two seconds otherwise.
    runbook.without_prefect()
    from flows.p0_rollback import p0_rollback

    output = sys.stderr if destination.is_standard_output(json_file) else sys.stdout
    with observing(Screen(output, telling=True)):
        try:
            found = p0_rollback.fn(str(path), environment, choices)
        except errors.OpsError as error:
            if not isinstance(error.evidence, Switched):
                raise
            found = error.evidence
    print(found.bundle or "", file=output)
    if json_file:
        destination.write_json(json_file, found.model_dump(mode="json", exclude={"rows", "idle", "ok"}))
    return found.verdict.exit_code
