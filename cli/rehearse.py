"""`runbooks rehearse`: the staging rehearsal in this process, without a Prefect server."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from cli import destination
from cli.screen import Screen
from ops import errors, redaction, secrets
from ops.choices import Choices
from ops.verdict import Base, Failure, Rehearsal, Verdict
from tasks import runbook
from tasks.step import observing


def rehearse(path: Path, environment: str, choices: Choices, *, json_file: Path | None) -> int:
    """Rehearse the project at `path`; return 0 holds, 1 found wrong, 2 refused, 3 unavailable.

    The result is written to `json_file` whatever it is, `-` being standard output, and nothing else goes there
    then. What never began is said on standard error.
    """
    redaction.install()
    if problem := destination.problem(json_file):
        print(problem, file=sys.stderr)
        return Verdict.REFUSED.exit_code
    screen = Screen(sys.stderr if destination.is_standard_output(json_file) else None)
    started = datetime.now(UTC)
    with observing(screen):
        found = _run(path, environment, choices, started)
    (screen if found.bundle else Screen(sys.stderr)).verdict(found)
    if json_file:
        destination.write_json(json_file, found.published())
    return found.verdict.exit_code


def _run(path: Path, environment: str, choices: Choices, started: datetime) -> Rehearsal:
    # Before the runbook is imported, which would take Prefect's two seconds otherwise.
    runbook.without_prefect()
    from flows.staging_rehearsal import staging_rehearsal

    try:
        return staging_rehearsal.fn(str(path), environment, choices)
    except errors.OpsError as error:
        if isinstance(error.evidence, Rehearsal):
            return error.evidence
        return _ended(path, environment, started, str(error), Verdict.of(error))
    except Exception as error:
        # Nothing was found out, so it neither holds nor is wrong; whoever reads the JSON must learn that too.
        print(secrets.redact(traceback.format_exc()), file=sys.stderr)
        said = (
            f"The rehearsal ended in a defect of its own, {type(error).__name__}: {error}. Please report it."
        )
        return _ended(path, environment, started, said, Verdict.UNAVAILABLE)


def _ended(path: Path, environment: str, started: datetime, said: str, verdict: Verdict) -> Rehearsal:
    message = secrets.redact(said)
    return Rehearsal(
        ok=False,
        verdict=verdict,
        summary=message,
        project=path.resolve().name,
        environment=environment,
        started=started.isoformat(timespec="seconds"),
        base=Base(place=environment),
        error=Failure(message=message),
    )
