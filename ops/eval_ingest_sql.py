"""The runbook's file `eval_run_ingest.sql`: one transaction that ingests a run for people who have no login to give.

Up to what the SQL editor takes it is plain statements to paste. What is larger is written for psql, and beside it in
parts that can be pasted one by one, in any order and more than once, as long as there are not too many.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from psycopg import sql

from ops import database, eval_ingest_copy, eval_ingest_run, eval_tables
from ops.eval_ingest_run import Run
from ops.eval_night import Night
from ops.eval_settings import Eval
from ops.evals import COLUMNS, Evaluation

FILE = "eval_run_ingest.sql"
PART = "eval_run_ingest/{number:02}.sql"
# Supabase's SQL editor refuses a query of more than a megabyte.
EDITOR_BYTES = 900_000
MOST_PARTS = 20
_PIECE = 1 << 16
_HEAD = """\
-- Ingests an evaluation run once, in one transaction: run it again and nothing changes.
-- {run_type} of {variant}, {told}, {samples} samples{part}.
"""
_BY_PSQL = f"""\
-- It is too large for the SQL editor: psql "$DATABASE_URL" -f {FILE}
\\set ON_ERROR_STOP on
set client_encoding = 'UTF8';
"""
_STAGE = sql.SQL("""\
begin;
create temporary table eval_samples_staged (like {samples} including defaults) on commit drop;
alter table pg_temp.eval_samples_staged alter column run_id drop not null;
""")
_UNSTAGE = sql.SQL("""\
insert into {samples} (run_id, {columns})
select run.id, {values}
from pg_temp.eval_samples_staged as staged
join {runs} as run on run.run_key = {key}
on conflict do nothing;
commit;
""")
_VALUES = sql.SQL("insert into pg_temp.eval_samples_staged ({columns}) values\n")
_COPY = sql.SQL("copy pg_temp.eval_samples_staged ({columns}) from stdin;\n")
# COPY and E'' read these escapes differently; both know the others.
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_UNLIKE = {b"v": b"\\x0B", b"u": b"u", b"U": b"U", b"'": b"'"}


class _Texts:
    """The statements around the samples of a run, and the samples as statements."""

    def __init__(self, settings: Eval, run: Run, evaluation: Evaluation, known: sql.Composable) -> None:
        self._path = evaluation.samples_path
        self._run, self._samples = run, evaluation.samples
        runs = eval_tables.identifier(settings.runs, key="runs")
        table = eval_tables.identifier(settings.samples, key="samples")
        values: dict[str, sql.Composable] = {name: sql.Identifier("staged", name) for name in COLUMNS}
        values["example_id"] = known
        columns = eval_tables.columns(*COLUMNS)
        add = eval_ingest_run.statement(runs, run, literal=True)
        chosen = sql.SQL(", ").join(values.values())
        key = sql.Literal(run.run_key)
        self._begin = f"{_text(_STAGE.format(samples=table))}{_text(add).strip()};\n"
        self._end = _text(_UNSTAGE.format(samples=table, runs=runs, key=key, columns=columns, values=chosen))
        self._values, self._copy = (
            _text(_VALUES.format(columns=columns)),
            _text(_COPY.format(columns=columns)),
        )

    def parts(self) -> Iterator[list[str]]:
        """Yield the samples as statements, as many at once as the SQL editor takes."""
        room = EDITOR_BYTES - len(self._begin.encode()) - len(self._end)
        held: list[str] = []
        size = 0
        for rows in _lines(self._path, _PIECE):
            statement = self._values + _tuples(rows) + ";\n"
            size += len(statement.encode())
            if held and size > room:
                yield held
                held, size = [], len(statement.encode())
            held.append(statement)
        yield held

    def pasted(self, held: list[str], part: str = "") -> Iterator[str]:
        """Yield a transaction around some of the samples."""
        yield self._head(part) + self._begin
        yield from held
        yield self._end

    def for_psql(self) -> Iterator[str]:
        """Yield one transaction for psql, with the samples as they are in their file."""
        yield self._head("") + _BY_PSQL + self._begin + self._copy
        yield from (rows.decode() for rows in _lines(self._path, _PIECE * 16))
        yield f"\\.\n{self._end}"

    def _head(self, part: str) -> str:
        run = self._run
        variant = " ".join(run.schema_variant.split())
        return _HEAD.format(
            run_type=run.run_type, variant=variant, told=run.told, samples=self._samples, part=part
        )


def write(night: Night, run: Run) -> str:
    """Write the SQL into the night's bundle, and return a sentence that says how to run it.

    Raises:
        Refused: the bundle cannot be written.
        Unavailable: the disk is full, or the database does not answer.
    """
    if night.bundle is None:
        return ""
    _, evaluation = eval_ingest_run.parts(night)
    texts = _Texts(night.plan.project.eval, run, evaluation, _known(night))
    parts = _parts(texts, evaluation.samples_path)
    if len(parts) == 1:
        night.bundle.write_pieces(FILE, texts.pasted(parts[0]))
        return f"{FILE} does the same in the SQL editor."
    night.bundle.write_pieces(FILE, texts.for_psql())
    for number, part in enumerate(parts, 1):
        said = f", part {number} of {len(parts)}"
        night.bundle.write_pieces(PART.format(number=number), texts.pasted(part, said))
    too_large = f"{FILE} does the same by psql; for the SQL editor it is too large"
    return f"{too_large}, and eval_run_ingest/ has it in {len(parts)} parts." if parts else f"{too_large}."


def _parts(texts: _Texts, path: Path) -> list[list[str]]:
    """Return the parts for the SQL editor; none where nobody would paste so many."""
    if path.stat().st_size > MOST_PARTS * EDITOR_BYTES:
        return []
    parts = list(itertools.islice(texts.parts(), MOST_PARTS + 1))
    return parts if len(parts) <= MOST_PARTS else []


def _known(night: Night) -> sql.Composable:
    """Return what finds the record of a sample; without a database it is the one that the configuration names."""
    settings = night.plan.project.eval
    if night.plan.environment.database is None:
        table = eval_tables.identifier(settings.table, key="table")
        return eval_ingest_copy.KNOWN.format(table=table, column=sql.Identifier("id"))
    with database.translating():
        return eval_ingest_copy.known(night.connection, eval_tables.split(settings.samples, key="samples"))


def _lines(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while lines := file.readlines(size):
            yield b"".join(lines)


def _tuples(rows: bytes) -> str:
    """Return rows of COPY's text format as tuples of literals: `\\N` is null, and other escapes are those of E''."""
    text = _ESCAPE.sub(lambda found: _UNLIKE.get(found[1], found[0]), rows.rstrip(b"\n"))
    for old, new in ((b"'", b"''"), (b"\t", b"', E'"), (b"\n", b"'),\n(E'")):
        text = text.replace(old, new)
    return (b"(E'" + text + b"')").replace(b"E'\\N'", b"null").decode()


def _text(composed: sql.Composed) -> str:
    return composed.as_string(None)
