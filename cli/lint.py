"""`runbooks lint`: the security lints of Supabase's advisors on a database."""

from __future__ import annotations

import os
from pathlib import Path

from cli import destination, found
from ops import database, errors, lints, logins, project, project_folder, rls, secrets
from ops import dsn as dsns


def lint(reference: str, path: Path, *, everything: bool, json_file: Path | None) -> int:
    """Run the lints, print what they name, and return the exit code.

    Raises:
        Refused: the secret cannot be opened, or the server says no.
        Unavailable: nobody answers.
    """
    if problem := destination.problem(json_file):
        raise errors.Refused(problem)
    dsn = opened(reference)
    try:
        with database.connect(dsn, prepare_threshold=None) as connection:
            result = lints.check(
                connection, served=served(path), only=lints.FILES if everything else lints.AUDITED
            )
    except errors.OpsError as error:
        raise logins.explained(error, dsn, os.environ) from None
    well = f"No lint names anything; the API serves {', '.join(result.served) or 'no schema'}."
    return found.show([each.finding for each in result.lints], well, json_file)


def opened(reference: str) -> str:
    """Return the DSN that a secret holds.

    Raises:
        Refused: it cannot be opened, or is no DSN.
    """
    dsn = secrets.open_secret(reference)
    if problems := dsns.diagnose(dsn, needs_session=False):
        raise errors.Refused(f"{reference}: {' '.join(problems)}")
    return dsn


def served(path: Path) -> tuple[str, ...]:
    """Return the schemas of the API of the project at `path`; where there is none, those of any project."""
    is_project = (path / "supabase").is_dir() or (path / project_folder.CONFIG_NAME).is_file()
    return rls.exposed_schemas(project.load(path)) if is_project else lints.DEFAULT_SERVED
