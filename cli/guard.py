"""`runbooks guard`: whether an app may start on the database of its environment."""

from __future__ import annotations

import sys
from pathlib import Path

import rich.prompt

from cli import destination
from ops import errors, project, reviews, schema_guard, secrets
from ops.schema_guard import Checked
from ops.verdict import Verdict


def guard(path: Path, environment: str, app_version: str, json_file: Path | None) -> int:
    """Compare the app's schema version with the database's, in one line; 0 compatible, 1 incompatible.

    Raises:
        Refused: there is no guard, a version is none, or the guard is to be skipped where that is not allowed.
        Unavailable: the database does not answer.
    """
    if problem := destination.problem(json_file):
        raise errors.Refused(problem)
    try:
        operated = project.load(path)
        found = schema_guard.start(operated, operated.environment(environment), app_version=app_version)
    except errors.OpsError as error:
        _write(json_file, environment, Checked(ok=False, summary=str(error)), Verdict.of(error))
        raise
    aside = found.skipped or destination.is_standard_output(json_file)
    print(
        f"{'WARNING: ' if found.skipped else ''}{secrets.redact(found.summary)}",
        file=sys.stderr if aside else sys.stdout,
    )
    verdict = Verdict.PASSED if found.ok else Verdict.FAILED
    _write(json_file, environment, found, verdict)
    return verdict.exit_code


def break_glass(path: Path, environment: str, app_version: str, name: str, code: str, note: str) -> int:
    """Write down that somebody lets this app start beside this database though the guard says no.

    Raises:
        Refused: the environment has no glass to break, the reason is too short, or the name is not proven.
        Unavailable: the database does not answer.
    """
    operated = project.load(path)
    if not name:
        raise errors.Refused("Who breaks the glass proves a name. Say it with --as NAME.")
    typed = secrets.open_secret(code) if code else rich.prompt.Prompt.ask("Your code", password=True)
    with reviews.opened(path, environment) as (where, log):
        pair = schema_guard.pair(log.connection, operated, where, app_version)
        log.prepare()
        row = reviews.skip_guard(where, log, pair, name=name, code=typed, note=note)
    print(
        f"Row {row.id}: {row.actor} lets the schema guard be skipped on {environment} for {pair}, "
        f"for {where.approval_window}. It waits for somebody else's review."
    )
    return 0


def _write(json_file: Path | None, environment: str, found: Checked, verdict: Verdict) -> None:
    if json_file:
        said = found.model_dump(mode="json", exclude={"ok", "rows", "idle"})
        destination.write_json(json_file, {"verdict": verdict, "environment": environment, **said})
