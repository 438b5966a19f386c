"""What a rehearsal is going to do: the project, its environment, and the files with their digest."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pydantic import ConfigDict

from ops import change, errors, migrations, overlays, project
from ops.change import Change
from ops.choices import Choices
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.project import Environment, Place, Project


class Plan(Evidence):
    """The files of a change and where it is rehearsed; `overlays` are those of `overlay_environment`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    migrations: tuple[Migration, ...]
    overlooked: tuple[str, ...]
    overlays: tuple[Migration, ...] = ()
    overlay_environment: Environment | None = None
    change: Change
    commit: str | None
    keep_going: bool = False
    chain: bool = False
    out: str

    @property
    def change_digest(self) -> str:
        return self.change.digest


def rehearsal(path: str, environment: str, choices: Choices) -> Plan:
    """Read the project and say what a rehearsal of it would do; reads files only.

    Raises:
        Refused: the project, its configuration or the choice of environment has a mistake.
    """
    operated = project.load(Path(path))
    return of(operated, environment, choices, migrations.find(operated))


def of(operated: Project, environment: str, choices: Choices, found: tuple[Migration, ...]) -> Plan:
    """Say what a rehearsal of these migrations of a project would do.

    Raises:
        Refused: the choice of environment has a mistake.
    """
    where = _environment(operated, environment, choices)
    updates: dict[str, object] = {}
    if choices.require_rollback:
        updates["require_rollback"] = True
    if choices.bindir:
        updates["bindir"] = Path(choices.bindir)
    where = where.model_copy(update=updates)
    whose = _overlay_of(operated, where, choices)
    overlaid = overlays.find(operated, whose) if whose else ()
    covered = sum(1 for migration in (*found, *overlaid) if migration.rollback)
    beside = f" and {len(overlaid)} of the overlay of {whose.name}" if whose and overlaid else ""
    return Plan(
        ok=True,
        summary=f"{operated.name}: {len(found)} migration files{beside}, {covered} with a rollback script, "
        f"to rehearse {f'in place on {where.name}' if where.in_place else 'on a throw-away database'}.",
        rows=tuple(_row(migration) for migration in (*found, *overlaid)),
        project=operated,
        environment=where,
        migrations=found,
        overlooked=migrations.skipped(operated),
        overlays=overlaid,
        overlay_environment=whose,
        change=change.of(operated, whose, found, overlaid),
        commit=commit(operated.root),
        keep_going=choices.keep_going,
        chain=choices.chain or (where.in_place if where.chain is None else where.chain),
        out=choices.out or str(operated.root),
    )


def _overlay_of(operated: Project, where: Environment, choices: Choices) -> Environment | None:
    """Return the environment whose overlay and release gates belong to the change."""
    if not choices.overlay:
        return where if where.in_place and where.name in operated.environments else None
    if where.in_place and where.name not in (choices.overlay, project.GIVEN):
        raise errors.Refused(
            f"The overlay of {choices.overlay!r} is not for {where.name!r}, which would keep it, so nothing was "
            "rehearsed. Rehearse it on a throw-away database or a copy."
        )
    return operated.environment(choices.overlay)


def _row(migration: migrations.Migration) -> dict[str, object]:
    return {
        "version": migration.version,
        "file": migration.file,
        "in one transaction": migration.script.transactional,
        "rollback script": migration.rollback.file if migration.rollback else "none",
    }


def _environment(operated: Project, name: str, choices: Choices) -> Environment:
    chosen = operated.environment(name)
    if choices.database:
        given = {"database": choices.database, "place": Place.IN_PLACE}
        nameless = {"name": project.GIVEN, "rehearse": True} if name == project.THROW_AWAY else {}
        chosen = chosen.model_copy(update={**given, **nameless})
    if chosen.guarded:
        raise errors.Refused(
            f"The environment {chosen.name!r} is guarded: a rehearsal changes the schema and is refused there. "
            "Rehearse on staging or on a throw-away database."
        )
    if chosen.in_place and not chosen.rehearse:
        raise errors.Refused(
            f"The environment {chosen.name!r} does not say rehearse = true, so nothing is rehearsed on it. "
            "Say so in runbooks.toml, if its database may be changed."
        )
    if chosen.in_place and not chosen.database:
        raise errors.Refused(
            f"The environment {chosen.name!r} has no database, so nothing is rehearsed there in place. "
            "Name one in runbooks.toml."
        )
    if chosen.in_place and choices.everything:
        raise errors.Refused(
            "--all rehearses every file from nothing, which a database in place is not. "
            "Leave out --all, or rehearse on a throw-away database."
        )
    return chosen


def commit(root: Path) -> str | None:
    """Return the commit that is checked out at `root`, if git can say."""
    if not root.is_dir():
        return None
    done = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None if done.returncode == 0 else None
