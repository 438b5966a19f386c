"""What a drill says of the tables that were restored: that all are there with their rules, and what no backup has."""

from __future__ import annotations

from datetime import UTC, datetime

import tenacity

from ops import database, drill, errors, queries, reference, reference_check, storage_files
from ops.app_tables import Table, Tables
from ops.backups import Problem
from ops.drill import Drilling
from ops.evidence import Evidence

# A step that goes on with what it has not is not tried again by itself.
_TRYING = tenacity.Retrying(
    stop=tenacity.stop_after_attempt(3),
    wait=tenacity.wait_exponential(multiplier=0.5),
    retry=tenacity.retry_if_exception_type(errors.Unavailable),
    reraise=True,
)
IDLE = "Nothing was restored, so there is nothing to look at."


@drill.reading("shape")
def compare_shape(drilling: Drilling) -> Evidence:
    """Say whether every critical table is there at the target too, with its policies and RLS as in production now."""
    if drilling.restored is None:
        return Evidence(ok=True, idle=True, summary=IDLE)
    names = drilling.plan.settings.drill.tables
    drilling.counts, missing = _counted(drilling.restored.dsn, names)
    dsn, expected = drilling.dsn, drilling.reference
    if dsn is not None and drilling.plan.target.kind == "latest":
        expected = _now(dsn, names) or expected
    if expected is None and not missing:
        return Evidence(
            ok=True, idle=True, summary="Neither production nor a reference says what there must be."
        )
    shaped = reference_check.shape(drilling.restored.dsn, expected) if expected else ()
    found = (*(reference_check.gone(name) for name in missing), *shaped)
    said = f"{len(drilling.counts)} critical tables are there, with their policies and RLS."
    evidence = drilling.note("shape", found, said)
    counted = tuple({"table": name, "rows": rows} for name, rows in drilling.counts.items())
    return evidence if found else evidence.model_copy(update={"rows": counted})


@drill.reading("storage")
def compare_storage(drilling: Drilling) -> Evidence:
    """Compare what the restored database lists of Storage with its buckets: no backup of a database holds the files."""
    restored = drilling.restored
    if restored is None:
        return Evidence(ok=True, idle=True, summary=IDLE)
    settings = drilling.plan.settings.storage
    with database.connect(restored.dsn, application=drilling.run) as connection, database.translating():
        ((there,),) = connection.execute(queries.load("drill/storage_there")).fetchall()
        if not there:
            return Evidence(ok=True, summary="The restored database has no Storage.")
        ((count, size),) = connection.execute(queries.load("drill/storage_objects")).fetchall()
        if count and settings:
            try:
                listed, problems = _TRYING(storage_files.compare, connection, settings)
            except (errors.Unavailable, errors.Refused) as error:
                return drilling.note("storage", (_not_compared(error),), "")
            said = f"The buckets have all {listed:,} files that the restored database lists, and a sample is as it was."
            return drilling.note("storage", problems, said)
    if not count:
        return Evidence(ok=True, summary="The restored database lists no files of Storage.")
    problem = Problem(
        kind="storage-not-in-backup",
        object="storage.objects",
        said=f"{count:,} files of Storage ({size / 1024**2:,.0f} MiB) are listed; no backup of a database has them.",
        todo="Keep a copy of the buckets too, and name them in backups.storage, so that they are compared.",
        blocks=False,
    )
    return drilling.note("storage", (problem,), "")


def _not_compared(error: errors.OpsError) -> Problem:
    return Problem(
        kind="storage-not-compared",
        object="storage",
        said=f"The files of Storage were not compared, so nobody knows whether they are there: {error}",
        todo="Look at url and key of backups.storage and whether Storage answers, and drill again.",
    )


def _counted(dsn: str, names: tuple[str, ...]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return how many rows each critical table has, and which of those that the configuration names are not there."""
    with database.connect(dsn, autocommit=False) as connection, database.translating():
        tables = Tables.read(connection, columns=False)
        counted = reference.read(connection, _critical(tables, names), most_hashed=-1)
        connection.rollback()
    missing = tuple(name for name in names if not tables.has(name))
    return {name: each.rows for name, each in counted.items()}, missing


def _critical(tables: Tables, names: tuple[str, ...]) -> tuple[Table, ...]:
    """Return those of the critical tables that are there; raises Refused where a name can be several."""
    there = (tables.table(name, key="backups.drill.tables") for name in names if tables.has(name))
    return tuple(there) if names else tables.of_app


def _now(dsn: str, names: tuple[str, ...]) -> reference.Reference | None:
    """What production has now, rows aside; None where it does not answer."""
    try:
        with database.connect(dsn, autocommit=False) as connection, database.translating():
            tables = _critical(Tables.read(connection, columns=False), names)
            described = reference.describe(connection, tables)
            connection.rollback()
    except errors.Unavailable:
        return None
    return reference.Reference(
        taken=datetime.now(UTC),
        lsn=0,
        timeline=1,
        system_identifier="",
        database="",
        exact=False,
        tables={str(each): reference.TableReference(rows=0) for each in tables},
        described=described,
        sequences={},
    )
