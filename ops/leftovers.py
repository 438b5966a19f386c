"""What killed rehearsals and drills leave, removed by its marker: folders, databases, and temporary hosted projects.

A folder and a database are known by their names and by a lock that died with their owner, a temporary project by its
name and a record whose process is dead. Nothing else is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ops import borrowed, errors, homes, management_api, os_user, ready_data
from ops.project import Environment, Project


@dataclass(frozen=True)
class Leftovers:
    """What was removed, and where nobody could look."""

    removed: tuple[str, ...]
    unseen: tuple[str, ...]


def remove(operated: Project, where: Environment) -> Leftovers:
    """Remove what is left on this machine, and of this project on the servers that its environments name."""
    removed, unseen = list(_folders(where)), list[str]()
    for each in operated.environments.values():
        for look in _looks(each):
            try:
                removed += look(each)
            except errors.OpsError as error:
                unseen.append(f"{each.name}: {error}")
    return Leftovers(tuple(removed), tuple(unseen))


def _folders(where: Environment) -> Iterator[str]:
    drill = where.backups
    among = (drill.drill.scratch,) if drill and drill.drill.scratch else ()
    with ready_data.locked():
        yield from map(str, homes.sweep(os_user.find(), among=among))


def _looks(where: Environment) -> Iterator[Callable[[Environment], Iterator[str]]]:
    if where.template and where.database:
        yield _databases
    if where.backups and where.backups.api:
        yield _projects


def _databases(where: Environment) -> Iterator[str]:
    yield from (f"database {name} ({where.name})" for name in borrowed.sweep(where))


def _projects(where: Environment) -> Iterator[str]:
    if where.backups and where.backups.api:
        source = management_api.ApiSource(where.backups.api)
        yield from (f"temporary project {name} ({where.name})" for name in source.remove_left_over())
