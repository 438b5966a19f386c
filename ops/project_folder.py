"""Where in a repository the operated project is."""

from __future__ import annotations

import os
from pathlib import Path

from ops import errors

CONFIG_NAME = "runbooks.toml"
_MIGRATIONS = Path("supabase", "migrations")
# In a monorepo the project lies some folders down, and never in these.
_DEEPEST = 4
_NEVER = {"node_modules", "vendor", "dist", "build", "target", "venv"}


def find(path: Path) -> Path:
    """Return the root of the project at `path`, or of the only one below it.

    Raises:
        Refused: there is no such folder, or several projects are in it.
    """
    root = path.expanduser().resolve()
    if not root.is_dir():
        raise errors.Refused(
            f"{path} is not a folder, so there is no project to operate on. Name a repository's root."
        )
    if root.name == "supabase" and not (root / "supabase").is_dir():
        return root.parent
    if (root / CONFIG_NAME).is_file() or (root / _MIGRATIONS).is_dir():
        return root
    below = _below(root)
    if len(below) > 1:
        names = ", ".join(found.relative_to(root).as_posix() for found in below)
        raise errors.Refused(
            f"{path} holds {len(below)} Supabase projects, so it is not clear which one is meant: {names}. "
            "Name one of them."
        )
    return below[0] if below else root


def _below(root: Path) -> list[Path]:
    """Return the folders below `root` that hold Supabase migrations, in the order of their names."""
    found: list[Path] = []
    for place, folders, _ in os.walk(root):
        here = Path(place)
        if any((here / _MIGRATIONS).glob("*.sql")):
            found.append(here)
        deep = len(here.relative_to(root).parts) >= _DEEPEST
        folders[:] = [] if deep else sorted(f for f in folders if f not in _NEVER and not f.startswith("."))
    return found
