"""Tables that vacuum does not keep up with. Source: weekly-checks of the operator's day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pydantic import BaseModel

from ops import queries, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence

# So many dead rows are never left by a vacuum that works, whenever it ran last.
_HALF = 0.5
_SHOWN = 50


class _Table(BaseModel):
    name: str
    live: int
    dead: int
    vacuumed: datetime | None
    autovacuumed: datetime | None
    age: int
    switched_off: bool

    @property
    def rows(self) -> int:
        return self.live + self.dead

    @property
    def share(self) -> float:
        return self.dead / self.rows if self.rows else 0.0


class _Server(BaseModel):
    autovacuum: bool
    counts: bool


@check("vacuum")
def check_vacuum(checking: Checking) -> Evidence:
    """Find tables with many dead rows that were not vacuumed for long, and where autovacuum is off."""
    (server,) = checking.ask(queries.load("checks/autovacuum"), _Server)
    tables = checking.ask(queries.load("checks/vacuum"), _Table)
    behind = [each for each in tables if _is_behind(checking, each)]
    off = [each for each in tables if each.switched_off and each.rows >= checking.settings.least_rows]
    findings = [*_server(server), *(_behind(each) for each in behind), *(_off(each) for each in off)]
    return checking.found(
        findings, f"Vacuum keeps up with {len(tables)} tables.", rows=[_row(each) for each in tables[:_SHOWN]]
    )


def _is_behind(checking: Checking, table: _Table) -> bool:
    wanted = checking.settings
    if table.rows < wanted.least_rows or table.share < wanted.dead_rows:
        return False
    late = table.vacuumed is None or checking.now - table.vacuumed > wanted.vacuum_age
    return late or table.share >= _HALF


def _server(server: _Server) -> Iterator[Finding]:
    if not server.autovacuum or not server.counts:
        which = "autovacuum" if not server.autovacuum else "track_counts"
        yield Finding(
            kind="autovacuum-off",
            object="this server",
            severity="failed",
            said=f"{which} is off on this server, so nothing cleans its tables up.",
            why="Tables grow without end, and at last the transaction ids run out.",
            todo=f"Switch it on: ALTER SYSTEM SET {which} = on, and reload.",
        )


def _behind(table: _Table) -> Finding:
    when = f"was last vacuumed {spoken.moment(table.vacuumed)}" if table.vacuumed else "was never vacuumed"
    return Finding(
        kind="vacuum-behind",
        object=table.name,
        severity="attention",
        said=f"{table.share:.0%} of the rows of {table.name} are dead ({table.dead:,} of {table.rows:,}); it {when}.",
        why="Queries read what is gone, and the table grows though its rows do not.",
        todo=f"VACUUM {table.name}; look what holds it back (long transactions, slots), and lower its "
        "autovacuum_vacuum_scale_factor.",
        since=table.vacuumed,
    )


def _off(table: _Table) -> Finding:
    return Finding(
        kind="autovacuum-off",
        object=table.name,
        severity="attention",
        said=f"autovacuum is off for {table.name}, which has {table.rows:,} rows.",
        why="Nothing cleans it up, and at last the transaction ids run out.",
        todo=f"Write a migration: ALTER TABLE {table.name} RESET (autovacuum_enabled).",
    )


def _row(table: _Table) -> dict[str, object]:
    return {
        "table": table.name,
        "rows": table.live,
        "dead": table.dead,
        "share": f"{table.share:.0%}",
        "last vacuum": spoken.moment(table.vacuumed) if table.vacuumed else "never",
        "last autovacuum": spoken.moment(table.autovacuumed) if table.autovacuumed else "never",
        "age": table.age,
    }
