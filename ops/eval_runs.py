"""The runs of evaluation that are in the database. Source: phase2-rollout-and-eval.md, section 5."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row
from pydantic import ValidationError

from ops import database, errors, eval_ingest_tallies, eval_tables
from ops.eval_settings import Eval
from ops.evals import MEASURES, Frozen, PastRun, Verdict, Where

_COLUMNS = sql.SQL("id as run_id, run_key, run_type, schema_variant, window_end, measure_version, tallies")
_FIND = sql.SQL("select {columns} from {runs} where id = %(run_id)s and tallies is not null")
_PAST = sql.SQL("""
select * from (
    select distinct on (window_start, window_end) {columns}
    from {runs}
    where run_type = %(run_type)s and schema_variant = %(schema_variant)s and window_end < %(before)s
      and tallies is not null
    order by window_start, window_end, version desc
) as newest
order by window_end desc, run_id desc
limit %(limit)s
""")
_MATCHED = sql.SQL("""
select count(*) filter (where one.held and other.held) as both,
       count(*) filter (where one.held and not other.held) as first,
       count(*) filter (where not one.held and other.held) as second,
       count(*) filter (where not one.held and not other.held) as neither
from (select record_key, {held} as held from {samples} where run_id = %(run_id)s and {where}) as one
join (select record_key, {held} as held from {samples} where run_id = %(other)s) as other using (record_key)
where one.held is not null and other.held is not null
""")
_VERDICT = sql.SQL("update {runs} set verdict = %(verdict)s, finished_at = %(at)s where id = %(run_id)s")


class Matched(Frozen):
    """On how many records that two runs have a measure held in `both` of them, in the `first` or `second` only."""

    both: int
    first: int
    second: int
    neither: int


def past(
    connection: database.Connection,
    settings: Eval,
    *,
    run_type: str,
    schema_variant: str,
    before: datetime,
    limit: int,
) -> tuple[PastRun, ...]:
    """Return the runs whose window ended before this moment, the newest first; of each window the newest version.

    Raises:
        Unavailable: the connection is lost.
    """
    values = {"run_type": run_type, "schema_variant": schema_variant, "before": before, "limit": limit}
    return _read(connection, settings, _PAST, values)


def find(connection: database.Connection, settings: Eval, run_id: int) -> PastRun:
    """Return a run by its number.

    Raises:
        Refused: there is no such run, or it was written by hand and has no tallies.
        Unavailable: the connection is lost.
    """
    found = _read(connection, settings, _FIND, {"run_id": run_id})
    if not found:
        raise errors.Refused(
            f"{settings.runs} has no run {run_id} with tallies, so nothing can be compared with it. Name a run that "
            "`runbooks` has ingested."
        )
    return found[0]


def matched(
    connection: database.Connection,
    settings: Eval,
    run_id: int,
    other_run_id: int,
    measure: str,
    *,
    where: Where = (),
) -> Matched:
    """Count on which records that both runs have, in a slice of the first, a measure held; a publish proxy holds at 1.

    A measure that the samples have no column for is matched nowhere.

    Raises:
        Unavailable: the connection is lost.
    """
    if measure not in MEASURES:
        return Matched(both=0, first=0, second=0, neither=0)
    column = sql.Identifier(measure)
    text = _MATCHED.format(
        held=sql.SQL("{} = 1").format(column) if measure == "publish_proxy" else column,
        samples=eval_tables.identifier(settings.samples, key="samples"),
        where=_where(where),
    )
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(text, {"run_id": run_id, "other": other_run_id}).fetchone()
    return Matched.model_validate(found)


def verdict(connection: database.Connection, settings: Eval, run_id: int, verdict: Verdict) -> None:
    """Write how a run was judged, and that it is finished.

    Raises:
        Refused: there is no such run.
        Unavailable: the connection is lost.
    """
    text = _VERDICT.format(runs=eval_tables.identifier(settings.runs, key="runs"))
    values = {"run_id": run_id, "verdict": verdict, "at": datetime.now(UTC)}
    with database.translating():
        changed = connection.execute(text, values).rowcount
    if not changed:
        raise errors.Refused(
            f"{settings.runs} has no run {run_id} any more, so that its verdict ({verdict}) is in the evidence only. "
            "Somebody has deleted it; evaluate the window again."
        )


def _read(
    connection: database.Connection, settings: Eval, text: sql.SQL, values: Mapping[str, Any]
) -> tuple[PastRun, ...]:
    whole = text.format(columns=_COLUMNS, runs=eval_tables.identifier(settings.runs, key="runs"))
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        return tuple(map(_run, cursor.execute(whole, values).fetchall()))


def _run(row: dict[str, Any]) -> PastRun:
    try:
        tallies = eval_ingest_tallies.unpacked(row["tallies"])
        return PastRun.model_validate(
            {**row, "tallies": tallies, "window_end": row["window_end"].astimezone(UTC)}
        )
    except (ValidationError, TypeError, AttributeError):
        raise errors.Refused(
            f"Run {row['run_id']} has other tallies than this tool writes, so nothing can be compared with it. Delete "
            "it, or set its tallies to null, and it is passed over."
        ) from None


def _where(where: Where) -> sql.Composable:
    pairs = [sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value)) for column, value in where]
    return sql.SQL(" and ").join(pairs) if pairs else sql.SQL("true")
