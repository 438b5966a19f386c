"""`runbooks rehearse`: the staging rehearsal in this process, without a Prefect server."""

from __future__ import annotations

import json
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

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
    if problem := _unwritable(json_file):
        print(problem, file=sys.stderr)
        return Verdict.REFUSED.exit_code
    screen = Screen(sys.stderr if json_file and _is_standard_output(json_file) else None)
    started = datetime.now(UTC)
    with observing(screen):
        found = _run(path, environment, choices, started)
    (screen if found.bundle else Screen(sys.stderr)).verdict(found)
    if json_file:
        _write(json_file, found)
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


def _unwritable(path: Path | None) -> str | None:
    if path is None or _is_standard_output(path):
        return None
    if path.is_dir():
        return f"{path} is a folder, so the result cannot be written there. Name a file with --json."
    if not path.absolute().parent.is_dir():
        return (
            f"{path} lies in a folder that does not exist, so the result cannot be written. Make the folder."
        )
    return None


def _is_standard_output(path: Path) -> bool:
    return str(path) == "-"


def _write(path: Path, found: Rehearsal) -> None:
    plain = secrets.redact_nested(found.published())
    text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    if _is_standard_output(path):
        print(text, end="")
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    temporary.replace(path)
