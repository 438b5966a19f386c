"""Whether the rows of a database are what its app relies on, looked at without being in anybody's way.

Source: deploy-gate.md, `check_data_integrity.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ops import database, duplicates, future, growth, looking, nulls, orphans, sequences, settings, unsound
from ops.app_tables import Column, Table, Tables
from ops.evidence import Evidence
from ops.findings import Duplicates, Finding
from ops.looking import Look, Unseen

_WORDS = {
    "duplicates": "tables with duplicates",
    "orphans": "references that lead nowhere",
    "nulls": "required columns with nothing in them",
    "sequence": "sequences behind their tables or at their ends",
    "future": "columns with times that have not come",
    "index": "INVALID indexes",
    "constraint": "unvalidated constraints",
}


class Integrity(Evidence):
    """What was looked at and what is wrong; what could not be seen is as little passed as what is wrong."""

    database: str
    role: str
    at: str
    looked_at: dict[str, int]
    duplicates: tuple[Duplicates, ...] = ()
    findings: tuple[Finding, ...] = ()
    unseen: tuple[Unseen, ...] = ()

    def report(self) -> dict[str, Any]:
        """Return what data/integrity_pre.json and data/integrity_post.json hold."""
        return self.model_dump(mode="json", exclude={"rows", "idle"})


def check(
    connection: database.Connection,
    wanted: settings.Integrity,
    *,
    statement_timeout: timedelta = looking.STATEMENT_TIMEOUT,
    lock_timeout: timedelta = looking.LOCK_TIMEOUT,
) -> Integrity:
    """Look at all rows of the app's tables in one moment and say what is wrong; nothing is written.

    Each question may take `statement_timeout`; the connection has no transaction open.

    Raises:
        Refused: a configured table or column does not exist.
        Unavailable: the connection is lost.
    """
    with looking.at(connection, statement_timeout=statement_timeout, lock_timeout=lock_timeout) as look:
        plan = _Plan.of(look, wanted)
        found = [each for same in plan.sames if (each := duplicates.look(look, same))]
        return _concluded(look, plan, tuple(found), tuple(_findings(look, plan, wanted, found)))


@dataclass(frozen=True)
class _Plan:
    """What is to be looked at: all names of the configuration stand for something before the first row is read."""

    tables: Tables
    sames: tuple[duplicates.Same, ...]
    references: tuple[orphans.Reference, ...]
    required: dict[Table, tuple[str, ...]]
    times: dict[Table, tuple[Column, ...]]
    numbered: tuple[sequences.Sequence, ...]

    @classmethod
    def of(cls, look: Look, wanted: settings.Integrity) -> _Plan:
        tables = Tables.read(look.connection, left_out=wanted.leave_out)
        growth.expected(tables, wanted)
        return cls(
            tables=tables,
            sames=duplicates.chosen(tables, wanted),
            references=(*orphans.declared(tables, wanted.relations), *orphans.constrained(look, tables)),
            required=nulls.declared(tables, wanted.required),
            times=future.looked_at(tables, wanted.future_allowed),
            numbered=sequences.read(look, tables),
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind are looked at: none of a kind is not the same as none wrong."""
        return {
            "tables": len(self.tables.of_app),
            "tables for duplicates": len(self.sames),
            "foreign keys": sum(each.constraint is not None for each in self.references),
            "declared relations": sum(each.constraint is None for each in self.references),
            "required columns": sum(map(len, self.required.values())),
            "columns with times": sum(map(len, self.times.values())),
            "sequences": len(self.numbered),
        }


def _findings(
    look: Look, plan: _Plan, wanted: settings.Integrity, found: Sequence[Duplicates]
) -> Iterator[Finding]:
    yield from (duplicates.finding(each) for each in found if each.surplus > each.allowed)
    led_nowhere = list(orphans.find(look, plan.references))
    yield from (finding for _, finding in led_nowhere)
    yield from nulls.find(look, plan.required)
    yield from sequences.find(look, plan.tables, plan.numbered)
    yield from future.find(look, plan.times, tolerance=wanted.future_tolerance)
    yield from unsound.find_indexes(look, plan.tables)
    counts = {each.constraint: finding.count for each, finding in led_nowhere if each.constraint}
    yield from unsound.find_constraints(look, plan.tables, counts)


def _concluded(
    look: Look, plan: _Plan, found: tuple[Duplicates, ...], findings: tuple[Finding, ...]
) -> Integrity:
    unseen = tuple(look.unseen)
    return Integrity(
        ok=not (findings or unseen),
        summary=_summary(look, plan, findings, unseen),
        rows=tuple(map(_row, findings)) + tuple(map(_unseen_row, unseen)),
        database=look.connection.info.dbname,
        role=look.role,
        at=look.moment.isoformat(timespec="seconds"),
        looked_at=plan.counts,
        duplicates=found,
        findings=findings,
        unseen=unseen,
    )


def _summary(look: Look, plan: _Plan, findings: Sequence[Finding], unseen: Sequence[Unseen]) -> str:
    name, counts = look.connection.info.dbname, plan.counts
    blind = f"; {len(unseen)} questions have no answer, first {unseen[0].object}" if unseen else ""
    if not findings:
        looked = ", ".join(f"{counts[what]:,} {what}" for what in ("tables", "foreign keys", "sequences"))
        return f"The rows of {name} are sound{' in what could be seen' if unseen else ''} ({looked}){blind}."
    kinds = Counter(each.kind for each in findings)
    parts = ", ".join(f"{_WORDS[kind]} {count:,}" for kind, count in kinds.items())
    return f"The rows of {name} are not sound: {parts}{blind}; first {findings[0].object} ({findings[0].count:,} rows)."


def _row(finding: Finding) -> dict[str, Any]:
    named = "; ".join(
        ", ".join(f"{key}={value}" for key, value in example.items()) for example in finding.examples
    )
    return {
        "kind": finding.kind,
        "object": finding.object,
        "count": finding.count,
        "examples": named,
        "what to do": finding.remedy,
    }


def _unseen_row(unseen: Unseen) -> dict[str, Any]:
    return {
        "kind": "not seen",
        "object": f"{unseen.question}: {unseen.object}",
        "count": None,
        "examples": "",
        "what to do": unseen.reason,
    }
