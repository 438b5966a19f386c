"""What the database says of a run is what was computed, to the digit.

Two proofs: each slice's sums over the table of samples, and the summary that people read. Source:
phase2-rollout-and-eval.md, section 5, step 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from ops import database, eval_tables, eval_verify_digits, eval_verify_slices
from ops.eval_night import Night
from ops.eval_verify_slices import Difference, Sums
from ops.evals import Evaluation, Tally, Where
from ops.evidence import Evidence

_VIEW = sql.SQL("select * from {summary} where run_id = %(run_id)s order by provider")
_NUMBERS = (
    "samples",
    "schema_valid_rate",
    "safety_rate",
    "publish_proxy",
    "latency_p95_ms",
    "errored",
    "cost_usd",
)
_ADDED = ("samples", "errored", "cost_usd")
_NAMED = 3
Row = dict[str, Any]


def verify(night: Night) -> Evidence:
    """Compare the summary of this night's run, and the sums of each slice, with what was computed.

    Columns that an older view does not have are said, and not compared.

    Raises:
        Unavailable: the database does not answer.
    """
    if night.ingested is None or night.ingested.run_id is None or night.evaluation is None:
        return Evidence(ok=True, idle=True, summary="This night has no run in a database to verify.")
    run_id, evaluation, settings = night.ingested.run_id, night.evaluation, night.plan.project.eval
    samples = eval_tables.identifier(settings.samples, key="samples")
    view = _VIEW.format(summary=eval_tables.identifier(settings.summary, key="summary"))
    with database.translating(), night.connection.cursor(row_factory=dict_row) as cursor:
        sums = eval_verify_slices.read(night.connection, samples, run_id, evaluation.tallies)
        found = cursor.execute(view, {"run_id": run_id}).fetchall()
        there = [column.name for column in cursor.description or ()]
    numbers = [name for name in _NUMBERS if name in there]
    differences = [*eval_verify_slices.compare(evaluation.tallies, sums)]
    differences += _summary(found, evaluation, sums, numbers)
    return _evidence(night, run_id, found, numbers, differences)


def _summary(
    found: Sequence[Row], evaluation: Evaluation, sums: Mapping[Where, Sums], numbers: Sequence[str]
) -> Iterator[Difference]:
    """Compare each provider that has a slice of its own, and of the others what adds up to all records."""
    told, whole = _providers(evaluation, found), evaluation.tallies[0]
    for row in found:
        tally = told.pop(row["provider"], None)
        if tally:
            yield from _row(tally, row, sums.get(tally.where, {}), numbers)
    for name, tally in told.items():
        if name != eval_verify_slices.OTHER and tally.samples:
            yield Difference(tally.name, "its row", "there", "missing, or there before")
    wanted = eval_verify_digits.expected(whole, sums.get((), {}))
    for name in (name for name in _ADDED if name in numbers):
        total = sum(row[name] or 0 for row in found)
        if not eval_verify_digits.same(total, wanted[name] or 0):
            yield Difference("all providers", name, eval_verify_digits.said(wanted[name]), str(total))


def _providers(evaluation: Evaluation, found: Sequence[Row]) -> dict[str, Tally]:
    """Return the tally of each provider; one alone has that of all records, which is not said twice."""
    if len(found) == 1:
        return {found[0]["provider"]: evaluation.tallies[0]}
    return {
        tally.where[0][1]: tally
        for tally in evaluation.tallies
        if [dimension for dimension, _ in tally.where] == ["provider"]
    }


def _row(tally: Tally, row: Row, sums: Sums, numbers: Sequence[str]) -> Iterator[Difference]:
    wanted = eval_verify_digits.expected(tally, sums)
    for name in numbers:
        if not eval_verify_digits.same(row[name], wanted[name]):
            yield Difference(tally.name, name, eval_verify_digits.said(wanted[name]), str(row[name]))


def _evidence(
    night: Night, run_id: int, found: Sequence[Row], numbers: Sequence[str], differences: list[Difference]
) -> Evidence:
    view = night.plan.project.eval.summary
    lacking = [name for name in _NUMBERS if name not in numbers]
    beside = f"; it has no {' and no '.join(lacking)}, so these are not compared" if lacking else ""
    if differences:
        named = "; ".join(map(str, differences[:_NAMED]))
        more = f", and {len(differences) - _NAMED} more" if len(differences) > _NAMED else ""
        said = f"Run {run_id} is not in the database as it was computed: {named}{more}{beside}."
        return Evidence(ok=False, summary=said, rows=tuple(each._asdict() for each in differences))
    slices = len(night.evaluation.tallies) if night.evaluation else 0
    return Evidence(
        ok=True,
        summary=f"{view} has run {run_id} as it was computed, to the digit, and so have the samples of its {slices} "
        f"slices{beside}.",
        rows=tuple({name: _shown(row[name]) for name in ("provider", *numbers)} for row in found),
    )


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int) else str(value)
