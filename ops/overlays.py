"""The overlays of an environment: files that are applied there and nowhere else, after the migrations.

Source: phase2-rollout-and-eval.md, "Environment overlays". The journal alone knows of them; to the Supabase CLI they
are nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ops import database, errors, migrations, queries, rollbacks
from ops.migrations import Migration
from ops.project import Environment, Project


@dataclass(frozen=True, slots=True)
class Applied:
    """An overlay that the journal has as applied, from which bytes, when, by which run, and of which environment.

    Journals of before do not say the last.
    """

    file: str
    sha256: str
    at: datetime
    run: str
    environment: str = ""


def find(project: Project, environment: Environment) -> tuple[Migration, ...]:
    """Return the overlays of an environment in the order in which they are applied, those to be refused included.

    Raises:
        Refused: a glob of the environment matches nothing, or a file is a migration as well.
    """
    paths = _listed(project, environment)
    if not paths:
        return ()
    forward = migrations.paths(project)
    _refuse_migrations(project, environment, paths, forward)
    found = [_read(path, project.root, environment.name) for path in paths]
    scripts = rollbacks.of_overlays(project, found, [migrations.named(path) for path in forward])
    return tuple(
        replace(each, rollback=script, findings=(*each.findings, *(script.findings if script else ())))
        for each in sorted(found, key=lambda each: (each.version, os.fsencode(each.name), each.file))
        for script in (scripts.get(each.file),)
    )


def pending(connection: database.Connection, found: Sequence[Migration]) -> tuple[Migration, ...]:
    """Return those that are to be applied: what is in place from other bytes is applied again.

    Those whose rollback an interrupted run has begun are among them; see `unfinished`.
    """
    there = {(each.file, each.sha256) for each in applied(connection)}
    begun = {key.removeprefix(migrations.OVERLAY) for key in unfinished(connection, found)}
    return tuple(each for each in found if (each.file, each.sha256) not in there or each.file in begun)


def applied(connection: database.Connection) -> tuple[Applied, ...]:
    """Return the overlays that are in place, whatever environment's they are, by file."""
    with database.translating():
        if not _journaled(connection):
            return ()
        rows = connection.execute(queries.load("overlays/last")).fetchall()
    return tuple(
        Applied(file, sha256, at, run, environment)
        for file, action, sha256, at, run, environment in rows
        if action == "apply"
    )


def unfinished(connection: database.Connection, found: Sequence[Migration]) -> tuple[str, ...]:
    """Return the keys of those that are applied, and whose rollback an interrupted run has begun and not ended.

    Raises:
        Refused: that rollback script was changed since.
    """
    with database.translating():
        if not _journaled(connection):
            return ()
        begun = connection.execute(queries.load("overlays/begun")).fetchall()
    scripts = {each.file: each.rollback for each in found if each.rollback}
    keys: list[str] = []
    for overlay, file, sha256 in begun:
        script = scripts.get(overlay)
        if script is None or file != script.file or _is_itself(found, overlay, file, sha256):
            continue
        if sha256 != script.sha256:
            raise errors.Refused(_changed(overlay, file))
        keys.append(f"{migrations.OVERLAY}{overlay}")
    return tuple(keys)


def row(overlay: Migration, *, pending: bool) -> dict[str, str]:
    """Return an overlay as a line of the inventory."""
    return {
        "version": overlay.version,
        "file": overlay.file,
        "state": "overlay pending" if pending else "overlay applied",
        "rollback": overlay.rollback.file if overlay.rollback else "none",
        "transactional": "yes" if overlay.script.transactional else "no",
        "lint": "",
        "findings": " ".join(overlay.findings),
    }


def _is_itself(found: Sequence[Migration], overlay: str, file: str, sha256: str) -> bool:
    """Whether what was begun is the overlay and not its rollback, which may be a part of the same file."""
    return any(each.file == overlay == file and each.sha256 == sha256 for each in found)


def _changed(overlay: str, file: str) -> str:
    return (
        f"{overlay}: an interrupted run has begun to roll it back with {file}, which was changed since, so that nobody "
        "knows what is left to do. Restore that file, and put the change in when the rollback is through."
    )


def _journaled(connection: database.Connection) -> bool:
    (there,) = connection.execute(queries.load("overlays/exists")).fetchone() or (False,)
    return bool(there)


def _listed(project: Project, environment: Environment) -> list[Path]:
    listed: dict[Path, None] = {}
    for glob in environment.overlays:
        paths = migrations.overlay_files(project, [glob])
        if not paths:
            raise errors.Refused(
                f"No file matches {glob!r}, an overlay of the environment {environment.name!r}, so it is not known "
                "what is to be applied there. Mend `overlays` in runbooks.toml, or add the file."
            )
        listed.update(dict.fromkeys(paths))
    return list(listed)


def _refuse_migrations(
    project: Project, environment: Environment, paths: Sequence[Path], forward: Collection[Path]
) -> None:
    resolved = {path.resolve() for path in forward}
    for path in paths:
        if path.resolve() in resolved:
            raise errors.Refused(
                f"{path.relative_to(project.root).as_posix()} is an overlay of {environment.name!r} and a "
                "migration as well, so it would be applied everywhere. Move it out of the folder of migrations."
            )


def _read(path: Path, root: Path, environment: str) -> Migration:
    named = migrations.named(path)
    found = migrations.read_file(path, root)
    return replace(found, version=named.version, name=named.name, overlay=True, environment=environment)
