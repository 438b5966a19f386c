"""A fleet: the many projects for which one runbook is run, as a `fleet.toml` names them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError

from ops import errors
from ops.configuration import File
from ops.project_folder import CONFIG_NAME
from ops.settings import Strict


class Fleet(Strict):
    """The whole file; `projects` are folders beside it or globs of them, `at_once` how many runs go on together."""

    projects: tuple[str, ...] = Field(min_length=1)
    environment: str = Field(default="production", min_length=1)
    at_once: int = Field(default=4, ge=1, le=100)


def read(path: Path) -> Fleet:
    """Read a fleet.

    Raises:
        Refused: there is no such file, or a mistake in it.
    """
    if not path.is_file():
        raise errors.Refused(
            f"{path} does not exist, so nobody knows which projects are meant. Write it: "
            'projects = ["shop", "clients/*"], the folders of the repositories beside it.'
        )
    file = File.read(path)
    try:
        return Fleet.model_validate(file.values)
    except ValidationError as error:
        raise file.mistakes(error, Fleet, moved={}) from None


def projects(path: Path, fleet: Fleet) -> tuple[Path, ...]:
    """Return the folders of all projects, each once; a glob meets those that have settings.

    Raises:
        Refused: a folder is not there, or has no settings; a glob meets nothing.
    """
    home = path.resolve().parent
    return tuple(dict.fromkeys(folder for named in fleet.projects for folder in _met(home, named, path.name)))


def _met(home: Path, named: str, file: str) -> Iterator[Path]:
    is_glob = any(sign in named for sign in "*?[")
    # So that a pattern may also begin at the root.
    pattern = (home / named).relative_to(home.anchor).as_posix()
    met = sorted(filter(_is_project, Path(home.anchor).glob(pattern))) if is_glob else []
    if is_glob and not met:
        raise errors.Refused(
            f"{file}: {named!r} meets no folder with a {CONFIG_NAME}. Mend the glob, or take it out."
        )
    if not is_glob:
        folder = (home / named).resolve()
        if not _is_project(folder):
            raise errors.Refused(
                f"{file}: {named!r} is no project: {folder / CONFIG_NAME} does not exist. Mend the name."
            )
        met = [folder]
    yield from (each.resolve() for each in met)


def _is_project(folder: Path) -> bool:
    return (folder / CONFIG_NAME).is_file()
