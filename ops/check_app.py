"""Whether the app's schema version fits the database's. Source: database-pipeline.md, "Daily Operations"."""

from __future__ import annotations

import os

from ops import errors, schema_guard, schema_guard_skip, schema_version
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence

_WHY = "An app that does not fit does not start, or writes what the schema does not mean."


@check("schema guard")
def check_guard(checking: Checking) -> Evidence:
    """Hold the app's schema version against the database's, without the guard's bypass, which would be recorded."""
    project, where = checking.plan.project, checking.plan.environment
    guard = project.schema_guard
    if guard.table is None:
        return checking.idle(f"{project.name} has no schema guard.")
    with checking.reading() as connection:
        stored = schema_guard.read(connection, project, environment=where.name)
    skipped = [_skipped(guard.skip_variable)] if schema_guard_skip.is_asked(guard) else []
    if not os.environ.get(guard.variable):
        said = (
            f"The database has schema version {stored.version}; {guard.variable} of the app is not set here."
        )
        return checking.found(skipped, said).model_copy(update={"idle": not skipped})
    try:
        found = schema_guard.compare(schema_version.of_app(guard), stored)
    except errors.Refused as error:
        return checking.found([*skipped, _unfit(str(error))], "")
    return checking.found([*skipped, *([] if found.ok else [_unfit(found.summary)])], found.summary)


def _unfit(said: str) -> Finding:
    return Finding(
        kind="schema-guard",
        object="schema version",
        severity="failed",
        said=said,
        why=_WHY,
        todo="Promote the migrations that the app needs, or deploy the app that fits (docs/schema-guard.md).",
    )


def _skipped(variable: str) -> Finding:
    return Finding(
        kind="schema-guard-skipped",
        object=variable,
        severity="attention",
        said=f"{variable} is set where this runs, so that the guard lets any app start.",
        why=_WHY,
        todo="Take the variable away again.",
    )
