"""Projects under git: a base, and a branch that leaves it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests import projects

_WHO = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(root: Path, *words: str) -> str:
    """Run git there and return what it prints."""
    done = subprocess.run(
        ["git", *words], cwd=root, env={**os.environ, **_WHO}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def committed(root: Path, message: str = "commit") -> str:
    """Commit all there is and return the commit."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


def based(root: Path) -> Path:
    """Make what is in `root` the branch main, and check a new branch out."""
    git(root, "init", "-q", "-b", "main", ".")
    committed(root, "base")
    git(root, "checkout", "-q", "-b", "feature")
    return root


def shop(root: Path, *, config: str | None = None) -> Path:
    """A sound project whose base has two migrations; the branch that is checked out has added nothing."""
    files = {projects.NOTES: projects.CREATE_NOTES, projects.TAGS: projects.CREATE_TAGS}
    scripts = {projects.NOTES: projects.DROP_NOTES, projects.TAGS: projects.DROP_TAGS}
    return based(
        projects.write(root, migrations=files, rollbacks=scripts, contract=projects.CONTRACT, config=config)
    )


def with_colours(root: Path, **more: str) -> Path:
    """The branch adds a third migration with its rollback script."""
    shop(root, config=more.pop("config", None))
    add(root, {projects.COLOURS: projects.ADD_COLOUR}, {projects.COLOURS: projects.DROP_COLOUR})
    return root


def add(
    root: Path, migrations: Mapping[str, str | bytes], rollbacks: Mapping[str, str] | None = None
) -> None:
    """Add migrations on the branch."""
    projects.write(root, migrations=migrations, rollbacks=rollbacks)
    committed(root)


def migration(root: Path, key: str) -> Path:
    return root / "supabase" / "migrations" / f"{key}.sql"
