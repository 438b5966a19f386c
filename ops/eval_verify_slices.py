"""The sums of each slice of a run over the table of samples, beside what was tallied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from psycopg import sql
from psycopg.rows import dict_row

from ops import database
from ops.evals import MEASURES, Tally, Where

# How a tally calls a label that is empty, and those that it does not tell apart.
UNKNOWN = "unknown"
OTHER = "other"
Sums = Mapping[str, int]
_LABEL = sql.SQL(
    "case when coalesce(nullif({column}, ''), {unknown}) = any({labels}) "
    "then coalesce(nullif({column}, ''), {unknown}) else {other} end as {column}"
)
# Counted by all labels at once, and then added up: the samples are read once, whatever the number of slices.
_SLICES = sql.SQL("""
with labelled as (
    select {labels}, schema_valid::int * 1000 as schema_valid, safe::int * 1000 as safe,
           (publish_proxy * 1000)::bigint as publish_proxy, latency_ms::bigint as latency_ms,
           (cost_usd * 1000000)::bigint as cost_usd, errored
    from {samples}
    where run_id = %(run_id)s
),
counted as (
    select {dimensions}, {counts} from labelled group by {dimensions}
)
select {dimensions}, grouping({dimensions}) as grouped, {sums}
from counted
group by grouping sets ({sets})
""")


class Difference(NamedTuple):
    """Something of a slice that is not in the database as it was computed."""

    slice: str
    number: str
    computed: str
    database: str

    def __str__(self) -> str:
        return f"{self.slice}: {self.number} is {self.database}, and {self.computed} was computed"


def read(
    connection: database.Connection, samples: sql.Identifier, run_id: int, tallies: Sequence[Tally]
) -> dict[Where, Sums]:
    """Return the sums of every slice of a run that can be told apart, its dimensions in the order of their names."""
    labels: dict[str, set[str]] = {}
    for dimension, value in (pair for tally in tallies for pair in tally.where):
        labels.setdefault(dimension, set()).add(value)
    labels = labels or {"provider": set()}
    counts = _counts(tallies)
    sets = {(), *((name,) for name in labels), *(tuple(name for name, _ in tally.where) for tally in tallies)}
    text = _SLICES.format(
        labels=_list(_label(name, values - {OTHER}) for name, values in labels.items()),
        samples=samples,
        dimensions=_list(map(sql.Identifier, labels)),
        counts=_list(sql.SQL("{} as {}").format(how, sql.Identifier(name)) for name, how in counts.items()),
        sums=_list(
            sql.SQL("coalesce(sum({0}), 0)::bigint as {0}").format(sql.Identifier(name)) for name in counts
        ),
        sets=_list(map(_set, sets)),
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(text, {"run_id": run_id}).fetchall()
    return {_where(row, list(labels)): {name: row[name] for name in counts} for row in rows}


def compare(tallies: Sequence[Tally], sums: Mapping[Where, Sums]) -> Iterator[Difference]:
    """Name every sum of a slice that is not what was tallied."""
    errored = sorted({name for tally in tallies for name in tally.errored})
    for tally in tallies:
        if any(value == OTHER for _, value in tally.where):
            continue
        found = sums.get(tuple(sorted(tally.where)), {})
        for name, wanted in _tallied(tally, errored).items():
            if found.get(name, 0) != wanted:
                yield Difference(tally.name, name, str(wanted), str(found.get(name, 0)))


def _tallied(tally: Tally, errored: Sequence[str]) -> dict[str, int]:
    wanted = {"samples": tally.samples}
    for name in MEASURES:
        if moments := tally.measures.get(name):
            wanted |= {f"{name} count": moments.n, f"{name} total": moments.total}
    wanted |= {f"{name} errored": tally.errored.get(name, 0) for name in errored}
    if len(tally.where) < 2:
        for name, spread in (("latency_ms", tally.latency), ("cost_usd", tally.cost)):
            wanted |= {f"{name} count": spread.n, f"{name} total": spread.total}
    return wanted


def _counts(tallies: Sequence[Tally]) -> dict[str, sql.Composable]:
    counts: dict[str, sql.Composable] = {
        "samples": sql.SQL("count(*)"),
        "errored": sql.SQL("count(*) filter (where cardinality(errored) > 0)"),
    }
    for name in (*MEASURES, "latency_ms", "cost_usd"):
        counts[f"{name} count"] = sql.SQL("count({})").format(sql.Identifier(name))
        counts[f"{name} total"] = sql.SQL("sum({})").format(sql.Identifier(name))
    for name in sorted({name for tally in tallies for name in tally.errored}):
        held = sql.SQL("count(*) filter (where {} = any(errored))")
        counts[f"{name} errored"] = held.format(sql.Literal(name))
    return counts


def _label(dimension: str, values: set[str]) -> sql.Composed:
    return _LABEL.format(
        column=sql.Identifier(dimension),
        unknown=sql.Literal(UNKNOWN),
        other=sql.Literal(OTHER),
        labels=sql.SQL("{}::text[]").format(sql.Literal(sorted(values))),
    )


def _set(dimensions: Sequence[str]) -> sql.Composed:
    return sql.SQL("({})").format(_list(map(sql.Identifier, dimensions)))


def _where(row: Mapping[str, object], dimensions: Sequence[str]) -> Where:
    """Return which slice a row sums up: the bits of `grouped` are the dimensions that it adds up over."""
    grouped, last = int(str(row["grouped"])), len(dimensions) - 1
    told = (name for place, name in enumerate(dimensions) if not grouped >> (last - place) & 1)
    return tuple(sorted((name, str(row[name])) for name in told))


def _list(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)
