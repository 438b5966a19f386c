"""Which source of backups an environment has."""

from __future__ import annotations

from psycopg import conninfo

from ops import app_settings, errors, secrets
from ops.backups import Source
from ops.physical import PhysicalSource
from ops.project import Environment, Project

_DEFAULT_DATABASE = "postgres"


def source(project: Project, environment: Environment) -> Source:
    """Return the source of backups that an environment names.

    Raises:
        Refused: it names none, or its database cannot be opened.
    """
    settings = environment.backups
    if settings is None:
        raise errors.Refused(
            f"{environment.name} has no source of backups. Name one in [environments.{environment.name}.backups]."
        )
    name = _database(project, environment)
    if settings.physical:
        return PhysicalSource(settings.physical, drill=settings.drill, name=name)
    raise errors.Refused("This source of backups is not known here.")


def _database(project: Project, environment: Environment) -> str:
    if environment.database is None:
        return _DEFAULT_DATABASE
    dsn = app_settings.open_reference(environment.database, project.root)
    secrets.remember(dsn)
    return str(conninfo.conninfo_to_dict(dsn).get("dbname") or _DEFAULT_DATABASE)
