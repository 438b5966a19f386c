"""Which files a release is made of: what is applied, taken back, verified and asked, and the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from ops import migrations, project, verification
from ops.migrations import Migration
from ops.project import Project

_ROLLBACKS = PurePosixPath("supabase/rollbacks")
_WILD = re.compile(r"[*?\[]")


def pathspecs(operated: Project, found: Sequence[Migration] | None = None) -> tuple[str, ...]:
    """Return the files and folders of a release as git's pathspecs, relative to the project's root.

    `found` are its migrations, where they have been read already.
    """
    return tuple(dict.fromkeys((*applied(operated, found), *_beside(operated))))


def applied(operated: Project, found: Sequence[Migration] | None = None) -> tuple[str, ...]:
    """Return the migrations, rollback scripts and overlays as git's pathspecs."""
    return tuple(dict.fromkeys(_applied(operated, migrations.read(operated) if found is None else found)))


def _applied(operated: Project, found: Sequence[Migration]) -> Iterator[str]:
    yield from (_literal(path.as_posix()) for path in operated.migrations)
    rollbacks = (_ROLLBACKS,) if operated.rollbacks is None else operated.rollbacks
    yield from (_literal(path.as_posix()) for path in rollbacks)
    for migration in found:
        if migration.rollback:
            yield _literal(migration.rollback.file)
    for environment in operated.environments.values():
        yield from map(_folder, environment.overlays)


def _beside(operated: Project) -> Iterator[str]:
    chosen = operated.pull_request
    yield from map(_folder, verification.VERIFY if chosen.verify is None else chosen.verify)
    yield from map(_folder, verification.SMOKE if chosen.smoke is None else chosen.smoke)
    yield from (_literal(gate.file) for gate in operated.release.gates if gate.file)
    yield _literal(project.CONFIG_NAME)


def _literal(path: str) -> str:
    return f":(literal){path}"


def _folder(glob: str) -> str:
    """Return the folder in which a glob looks, or the glob where that is the root."""
    parts = PurePosixPath(glob).parts
    fixed = next((number for number, part in enumerate(parts) if _WILD.search(part)), len(parts))
    return _literal("/".join(parts[:fixed])) if fixed else f":(glob){glob}"
