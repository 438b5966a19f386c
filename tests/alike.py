"""Whether two databases are the same: schema, rows, sequences and the Supabase CLI's history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from ops import comparison, database, rows, schema
from ops.verdict import Difference

# How a file was split into statements is each tool's own.
_ASKED = {
    "history": "select version, name from supabase_migrations.schema_migrations",
    "sequences": "select schemaname, sequencename, last_value from pg_sequences "
    "where schemaname not in ('runbooks', 'supabase_migrations')",
}


@dataclass(frozen=True)
class Alike:
    """What is not the same, of how much; `anew` are tables whose rows differ only in what is made anew each time.

    That is a random or generated key, what refers to such, and a time since both were begun.
    """

    differences: tuple[str, ...]
    objects: int
    rows: int
    anew: tuple[str, ...]


def compared(dsns: tuple[str, str], *, since: datetime) -> Alike:
    """Compare everything in two databases, ours of `runbooks` aside; the logins are superusers'."""
    with ExitStack() as stack:
        one, other = (stack.enter_context(database.connect(dsn)) for dsn in dsns)
        snapshots = schema.snapshot(one), schema.snapshot(other)
        ledgers = rows.Ledger.read(one), rows.Ledger.read(other)
        images = ledgers[0].images, ledgers[1].images
        found = [f"schema: {_said(each)}" for each in comparison.compare(*snapshots)]
        found += [f"rows: {name}: too large to compare" for name in ledgers[0].too_large]
        strictly = rows.differences(*images)
        real = rows.differences(*images, since=since, lenient=True)
        found += [f"rows: {_said(each)}" for each in real]
        for what, query in _ASKED.items():
            asked = [{*connection.execute(query.encode())} for connection in (one, other)]
            found += [f"{what}: {row}" for row in sorted(asked[0] ^ asked[1], key=str)]
    return Alike(
        differences=tuple(found),
        objects=len(snapshots[0]),
        rows=sum(image.count for image in images[0].values()),
        anew=tuple(_besides(strictly, but=real)),
    )


def _besides(differences: tuple[Difference, ...], *, but: tuple[Difference, ...]) -> Iterator[str]:
    left_out = {each.object for each in but}
    return (f"{each.object}: {each.note}" for each in differences if each.object not in left_out)


def _said(each: Difference) -> str:
    return f"{each.kind} {each.object}: {each.note or f'{each.before!r} is not {each.after!r}'}"
