"""`runbooks rehearse`: the staging rehearsal in this process, without a Prefect server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from cli.screen import Screen
from ops import errors, redaction, secrets
from ops.choices import Choices
from ops.verdict import Base, Failure, Rehearsal, Verdict
from tasks.step import observing

KINDS: dict[type[errors.OpsError], Verdict] = {
    errors.Refused: Verdict.REFUSED,
    errors.Denied: Verdict.REFUSED,
    errors.Unavailable: Verdict.UNAVAILABLE,
}


def rehearse(path: Path, environment: str, choices: Choices, *, json_file: Path | None) -> int:
    """Rehearse the project at `path`; return 0 holds, 1 found wrong, 2 refused, 3 unavailable."""
    redaction.install()
    screen = Screen()
    started = datetime.now(UTC)
    with observing(screen):
        found = _run(path, environment, choices, started)
    screen.verdict(found)
    if json_file:
        _write(json_file, found)
    return found.verdict.exit_code


def _run(path: Path, environment: str, choices: Choices, started: datetime) -> Rehearsal:
    # Prefect takes two seconds to import; usage mistakes should not wait for it.
    from flows.staging_rehearsal import staging_rehearsal

    try:
        return staging_rehearsal.fn(str(path), environment, choices)
    except errors.OpsError as error:
        if isinstance(error.evidence, Rehearsal):
            return error.evidence
        return _refusal(path, environment, error, started)


def _refusal(path: Path, environment: str, error: errors.OpsError, started: datetime) -> Rehearsal:
    message = secrets.redact(str(error))
    return Rehearsal(
        ok=False,
        verdict=KINDS.get(type(error), Verdict.FAILED),
        summary=message,
        project=path.resolve().name,
        environment=environment,
        started=started.isoformat(timespec="seconds"),
        base=Base(place=environment),
        error=Failure(message=message),
    )


def _write(path: Path, found: Rehearsal) -> None:
    plain = secrets.redact_nested(found.published())
    text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    if str(path) == "-":
        print(text, end="")
        return
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
