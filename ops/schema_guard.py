"""Whether an app and a database have schema versions that fit, before the app starts and when a change is promoted.

Source: database-pipeline.md, "Schema Guard Operations".
"""

from __future__ import annotations

import os
from datetime import timedelta
from enum import StrEnum

from ops import database, errors, schema_guard_skip, schema_version, secrets
from ops.evidence import Evidence
from ops.project import CONFIG_NAME, Environment, Project
from ops.schema_guard_skip import Pair
from ops.schema_version import Stored
from ops.semantic_version import Version

_CONNECT = timedelta(seconds=5)
_LONGEST = 60


class Rule(StrEnum):
    """How the database's version is beside the app's: one of these always holds, and only one."""

    EXACT = "exact"
    DATABASE_NEWER = "database-newer"
    APP_NEWER = "app-newer"
    CONFLICT = "version-conflict"


_SAYS = {
    Rule.EXACT: "the versions are the same",
    Rule.DATABASE_NEWER: "the database is newer within the same major version",
    Rule.APP_NEWER: "the app is newer, run migrations",
    Rule.CONFLICT: "version conflict, the major versions are not the same",
}
_NEXT = {
    Rule.APP_NEWER: "Promote the migrations that the app needs, or deploy the app that fits the database.",
    Rule.CONFLICT: "Deploy the app of the database's major version, or promote the migrations of the app's.",
}


class Checked(Evidence):
    """How the two fit; `rule` is empty where the guard was skipped or the database says no version."""

    app: str = ""
    database: str = ""
    rule: str = ""
    skipped: bool = False


def judge(app: Version, stored: Version) -> Rule:
    """Say which of the four rules holds."""
    if app.major != stored.major:
        return Rule.CONFLICT
    if app == stored:
        return Rule.EXACT
    return Rule.DATABASE_NEWER if app < stored else Rule.APP_NEWER


def is_compatible(rule: Rule) -> bool:
    """Whether an app may start where this rule holds."""
    return rule in (Rule.EXACT, Rule.DATABASE_NEWER)


def read(connection: database.Connection, project: Project, *, environment: str = "") -> Stored:
    """Return the version that the database says it has, for this environment where it says one for each.

    Raises:
        Refused: the project has no guard, or the database says no version, or more than one.
        Unavailable: the connection is lost.
    """
    return schema_version.of_database(connection, project, environment=environment)


def check(
    connection: database.Connection, project: Project, *, environment: Environment, app_version: str = ""
) -> Checked:
    """Hold the app's version (the environment variable's unless it is given) against the database's.

    Raises:
        Refused: the app's version is none, or the guard is to be skipped where that is not allowed.
        Unavailable: the connection is lost.
    """
    if project.schema_guard.table is None:
        return Checked(ok=True, idle=True, summary=f"{project.name} has no schema guard, so none was asked.")
    if schema_guard_skip.is_asked(project.schema_guard):
        return _skipped(connection, project, environment, app_version)
    app = schema_version.of_app(project.schema_guard, app_version)
    try:
        stored = read(connection, project, environment=environment.name)
    except errors.Refused as error:
        return Checked(ok=False, summary=str(error), app=str(app))
    return compare(app, stored)


def start(project: Project, environment: Environment, *, app_version: str = "") -> Checked:
    """Say whether an app may start on the database of an environment.

    Raises:
        Refused: there is no guard, a version is none, or the guard is to be skipped where that is not allowed.
        Unavailable: the database does not answer.
    """
    guard = project.schema_guard
    if guard.table is None:
        raise errors.Refused(schema_version.no_guard(project))
    if schema_guard_skip.is_asked(guard):
        return _start_skipping(project, environment, app_version)
    app = schema_version.of_app(guard, app_version)
    with connected(environment) as connection:
        return compare(app, read(connection, project, environment=environment.name))


def connected(environment: Environment) -> database.Connection:
    """Connect to the database of an environment, without the patience that an app's start does not have.

    Raises:
        Refused: it has none, or the server says no.
        Unavailable: it does not answer.
    """
    if environment.database is None:
        raise errors.Refused(
            f"The environment {environment.name!r} has no database, so there is no schema to guard. Name it in "
            f"{CONFIG_NAME}."
        )
    return database.connect(
        secrets.open_secret(environment.database),
        application="runbooks guard",
        timeout=_CONNECT,
        prepare_threshold=None,
    )


def compare(app: Version, stored: Stored) -> Checked:
    """Say how two versions fit."""
    rule = judge(app, stored.version)
    ok = is_compatible(rule)
    words = f"app {app}, database {stored.version}: {_SAYS[rule]}."
    return Checked(
        ok=ok,
        summary=f"Compatible: {words}" if ok else f"Incompatible: {words} {_NEXT[rule]}",
        rows=(
            {"what": "app", "version": str(app), "where": ""},
            {"what": "database", "version": str(stored.version), "where": stored.place},
        ),
        app=str(app),
        database=str(stored.version),
        rule=rule.value,
    )


def pair(
    connection: database.Connection | None, project: Project, environment: Environment, app_version: str = ""
) -> Pair:
    """Return what the two say that a skipped guard does not compare; nothing of it needs to be right."""
    app = app_version or os.environ.get(project.schema_guard.variable, "")
    try:
        stored = str(read(connection, project, environment=environment.name).version) if connection else ""
    except errors.Refused:
        stored = ""
    return Pair(app[:_LONGEST], stored)


def _start_skipping(project: Project, environment: Environment, app_version: str) -> Checked:
    try:
        with connected(environment) as connection:
            return _skipped(connection, project, environment, app_version)
    except errors.OpsError as error:
        if environment.guarded:
            raise
        return _skipped(None, project, environment, app_version, why=str(error))


def _skipped(
    connection: database.Connection | None,
    project: Project,
    environment: Environment,
    app_version: str,
    *,
    why: str = "",
) -> Checked:
    both = pair(connection, project, environment, app_version)
    bypass = schema_guard_skip.record(connection, project, environment, both, why=why)
    return Checked(
        ok=True,
        summary=bypass,
        rows=(
            {"what": "app", "version": both.app, "where": ""},
            {"what": "database", "version": both.database, "where": ""},
        ),
        app=both.app,
        database=both.database,
        skipped=True,
    )
