"""Up to which record the runs of a kind have read: beside the records in the database, else in a file.

It is moved with the ingestion, in one transaction, so that a night that fails neither reads twice nor misses anything.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from ops import database, errors, eval_export_files, own_schema, queries
from ops.eval_night import EvalPlan, Night
from ops.evals import Cursor, Export, Frozen


class Watermark(Frozen):
    """The last record that was ingested, the keys around it that are known, and which run and export moved it there."""

    cursor: Cursor
    tail: tuple[str, ...] = ()
    content_digest: str = ""
    run: str = ""


def prepare(connection: database.Connection) -> None:
    """Make the table where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what its owner can do.
    """
    own_schema.prepare(connection, "eval_export/prepare", so="no watermark can be kept")


def read(night: Night) -> Watermark | None:
    """Return where the last ingested run ended: from the environment's database, or from the file where it has none.

    Raises:
        Refused: the login may not make the table, or the file cannot be read.
        Unavailable: the database does not answer.
    """
    if night.plan.environment.database is None:
        return _read_file(path(night.plan))
    connection = night.connection
    _prepared(connection)
    with database.translating():
        found = connection.execute(queries.load("eval_export/watermark"), _names(night.plan)).fetchone()
    if not found:
        return None
    created, key, tail, digest, run = found
    cursor = Cursor(created=datetime.fromisoformat(created), key=key)
    return Watermark(cursor=cursor, tail=tail, content_digest=digest, run=run)


def advance(connection: database.Connection, night: Night) -> None:
    """Move the watermark to the end of `night.export`, in the transaction in which it is ingested.

    Call it inside that transaction, on its connection, with `night.export` set; when it raises, let the transaction be
    rolled back. It does nothing for a window of its own (`window.watermark` is false), and nothing the second time.

    Raises:
        Refused: another run has moved it since this export began, so that nothing of it may be ingested.
        Unavailable: the connection is lost.
    """
    export = _of(night)
    if not export.window.watermark or export.after is None:
        return
    _prepared(connection)
    values = {
        **_names(night.plan),
        "created": export.after.created,
        "key": export.after.key,
        "tail": list(export.tail),
        "content_digest": export.content_digest,
        "run": night.run,
        "before_created": export.before and export.before.created,
        "before_key": export.before and export.before.key,
    }
    with database.translating():
        moved = connection.execute(queries.load("eval_export/advance"), values).fetchone()
    if not moved:
        raise _overtaken(night.plan)


def advance_file(night: Night) -> None:
    """Move the watermark where the environment has no database: once the samples are where they are kept.

    Raises:
        Refused: another run has moved it since this export began, or the file cannot be written.
    """
    export = _of(night)
    if not export.window.watermark or export.after is None:
        return
    there = _read_file(path(night.plan))
    moved = Watermark(
        cursor=export.after, tail=export.tail, content_digest=export.content_digest, run=night.run
    )
    same = there and (there.cursor, there.content_digest) == (moved.cursor, moved.content_digest)
    if not same and (there and there.cursor) != export.before:
        raise _overtaken(night.plan)
    eval_export_files.replace(path(night.plan), moved.model_dump_json().encode())


def path(plan: EvalPlan) -> Path:
    """Return the file beside the working folder."""
    return plan.folder.with_name(f"{plan.folder.name}.watermark.json")


def _prepared(connection: database.Connection) -> None:
    # Making it takes a lock that the transaction of an ingestion would hold to its end.
    try:
        with database.translating():
            there = connection.execute(queries.load("eval_export/there")).fetchone()
    except errors.CheckFailed as error:
        raise errors.Refused(
            f"{connection.info.user} may not read the watermark ({error}), so nobody knows up to where the records "
            "were read. Grant usage on the schema `runbooks`, or name the login that made it."
        ) from None
    if not there or not there[0]:
        prepare(connection)


def _read_file(file: Path) -> Watermark | None:
    try:
        return Watermark.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise errors.Refused(
            f"The watermark {file.name} cannot be read ({type(error).__name__}), so nobody knows up to where the "
            "records were read. Mend the file, or remove it to begin anew."
        ) from None


def _names(plan: EvalPlan) -> dict[str, str]:
    return {
        "environment": plan.environment.name,
        "run_type": plan.run_type,
        "schema_variant": plan.schema_variant,
    }


def _of(night: Night) -> Export:
    if night.export is None:
        raise errors.Refused("Nothing was exported, so the watermark stays. Export the records first.")
    return night.export


def _overtaken(plan: EvalPlan) -> errors.Refused:
    return errors.Refused(
        f"Another {plan.run_type} run of {plan.schema_variant} on {plan.environment.name} has moved the watermark "
        "since this export began, so its records may be ingested already. Nothing was ingested; run again."
    )
