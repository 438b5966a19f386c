"""`runbooks app-rollback`: the guided rollback of an app in this process, without a Prefect server."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cli.screen import Screen
from ops import errors, redaction, secrets
from ops.app_rollback import AppRollback
from ops.app_rollback_choices import AppRollbackChoices
from tasks import runbook
from tasks.step import observing


def roll_back(
    path: Path,
    environment: str,
    deploy: str,
    reason: str,
    choices: AppRollbackChoices,
    *,
    json_file: Path | None,
) -> int:
    """Guide through the rollback and record it; return 0 when the app was seen to work, 1 when not.

    Raises:
        Refused: what was asked for has a mistake.
    """
    redaction.install()
    # Before the runbook is imported, which would take Prefect's two seconds otherwise.
    runbook.without_prefect()
    from flows.app_rollback import app_rollback

    output = sys.stderr if str(json_file) == "-" else sys.stdout
    with observing(Screen(output, telling=True)):
        try:
            found = app_rollback.fn(str(path), environment, deploy, reason, choices)
        except errors.OpsError as error:
            if not isinstance(error.evidence, AppRollback):
                raise
            if json_file:
                _write(json_file, error.evidence)
            if isinstance(error, errors.CheckFailed):
                return 1
            raise
    if json_file:
        _write(json_file, found)
    return 0 if found.ok else 1


def _write(path: Path, found: AppRollback) -> None:
    plain = secrets.redact_nested(found.model_dump(mode="json", exclude={"rows", "idle"}))
    text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    if str(path) == "-":
        print(text, end="")
        return
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
