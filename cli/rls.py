"""`runbooks rls declare` and `runbooks rls check`: the contract of row level security."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cli import destination, found
from cli.lint import opened, served
from ops import database, errors, logins, project, rls_contract, rls_trial, secrets
from ops.rls_settings import RlsTrial
from ops.rls_trial import Trial


def declare(reference: str, path: Path, out: Path | None) -> int:
    """Write the contract of the database that the secret names to `out`, or to standard output.

    Raises:
        Refused: the secret cannot be opened, or this login may not act for the API's roles.
        Unavailable: nobody answers.
    """
    trial = _tried(reference, path)
    for name, table in trial.contract.tables.items():
        if table.untried:
            print(f"{name} was not tried: {table.untried}", file=sys.stderr)
    for each in trial.gaps:
        print(secrets.redact(f"{each.severity}: {each.said} {each.why}\n    {each.todo}"), file=sys.stderr)
    destination.write(out or Path("-"), rls_contract.text(trial.contract))
    _say(trial)
    return 0


def check(reference: str, path: Path, contract: Path | None, json_file: Path | None) -> int:
    """Hold the database that the secret names against the committed contract, and return the exit code.

    Raises:
        Refused: there is no contract, the secret cannot be opened, or this login may not act for the API's roles.
        Unavailable: nobody answers.
    """
    if problem := destination.problem(json_file):
        raise errors.Refused(problem)
    declared = rls_contract.read(contract or path / rls_contract.CONVENTION)
    trial = _tried(reference, path)
    _say(trial)
    well = f"{len(trial.contract.tables)} tables do what the contract says."
    return found.show((*rls_contract.compare(declared, trial.contract), *trial.gaps), well, json_file)


def _tried(reference: str, path: Path) -> Trial:
    dsn = opened(reference)
    operated = project.load(path) if (path / "supabase").is_dir() else None
    samples = operated.deploy.samples if operated else {}
    settings = operated.rls if operated else RlsTrial()
    try:
        with database.connect(dsn, prepare_threshold=None) as connection:
            return rls_trial.run(connection, schemas=served(path), samples=samples, settings=settings)
    except errors.OpsError as error:
        raise logins.explained(error, dsn, os.environ) from None


def _say(trial: Trial) -> None:
    if trial.touched:
        print(f"In the transaction that was rolled back: {'; '.join(trial.touched)}.", file=sys.stderr)
