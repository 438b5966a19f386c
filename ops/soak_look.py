"""One look at the acceptance rules of a soak: phase2-rollout-and-eval.md, section 1.5."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import LiteralString, cast

from psycopg import sql

from ops import (
    conditions,
    database,
    errors,
    looking,
    orphans,
    soak_sources,
    unsound,
    watch_growth,
    watch_sample,
)
from ops.app_tables import Table, Tables
from ops.soak_record import Look, Rule, Soak, Status
from ops.soak_sources import Incident, Window
from ops.watch_sample import Counters
from ops.watch_settings import Records
from ops.watch_settings import Soak as Settings

ERRORS, RECORDS, VIOLATIONS = "no SQL errors", "records complete", "no constraint violations"
_STATISTICS = "pg_stat_database"
# Logs arrive late, and an error that was seen has ended the soak already: what is looked at twice does no harm.
_OVERLAP = timedelta(minutes=5)
_SHOWN = 3


def take(connection: database.Connection, settings: Settings, soak: Soak | None) -> Look:
    """Look once: at what happened since the last look of this soak, and at the rows since it began.

    The first look of a soak only learns from where to count. Our own transactions commit, so that they are not
    among those that are counted as rolled back.

    Raises:
        Unavailable: a source does not answer, so that nobody has looked.
        Refused: a table or column that the settings name does not exist, or may not be read.
    """
    counters = watch_sample.counters(connection)
    with _reading(connection) as look:
        tables = Tables.read(connection)
        named = tuple(tables.table(name, key="[soak] tables") for name in settings.tables)
        began = soak.began_at if soak else look.moment
        since = max(began, soak.last_at - _OVERLAP) if soak else look.moment
        records = _records(look, tables, settings.records, began) if settings.records else None
        broken = _broken(look, Tables(named))
        if look.unseen:
            first = look.unseen[0]
            raise errors.Refused(f"{first.object} cannot be looked at, so nothing soaks: {first.reason}")
    window = Window(since, look.moment, tuple(table.name for table in named), connection.info.dbname)
    incidents = soak_sources.read(connection, settings, window)
    previous = soak.looks[-1].counters if soak else None
    counted = _counted(settings, counters, previous)
    return Look(
        at=look.moment,
        rules=(
            _errors(settings, incidents, counted),
            *((records[1],) if records else ()),
            _violations(settings, incidents, counted, broken),
        ),
        new_records=records[0] if records else None,
        counters=counters,
    )


@contextmanager
def _reading(connection: database.Connection) -> Generator[looking.Look]:
    """Read one moment, as `looking.at` does, and commit."""
    with database.translating(), connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local row_security = off; set local lock_timeout = '5s'", prepare=False)
        connection.execute("set local statement_timeout = '5min'", prepare=False)
        ((role, moment),) = connection.execute(
            "select current_user::text, pg_catalog.statement_timestamp()", prepare=False
        ).fetchall()
        yield looking.Look(connection, role, moment, timedelta(minutes=5))


def _records(look: looking.Look, tables: Tables, wanted: Records, began: object) -> tuple[int, Rule]:
    key = "[soak.records]"
    table = tables.table(wanted.table, key=f"{key} table")
    created = table.column(wanted.created, key=f"{key} created").name
    fields = [table.column(name, key=f"{key} fields").name for name in wanted.fields]
    new = sql.SQL("t.{} > {}").format(sql.Identifier(created), sql.Literal(began))
    if wanted.where:
        # It is the operated project's own text, as every query of its configuration is.
        new = sql.SQL("{} and ({})").format(new, sql.SQL(cast("LiteralString", wanted.where)))
    counted = look.ask(
        "records", str(table), sql.SQL("select count(*) from {} t where {}").format(table.rows, new)
    )
    empty = {name: sql.SQL("{} and t.{} is null").format(new, sql.Identifier(name)) for name in fields}
    met = conditions.met(look, "records", table, empty)
    count = int(counted[0][0]) if counted else 0
    if not met:
        said = f"{count} new rows of {table} hold {', '.join(fields)}"
        return count, Rule(name=RECORDS, status="holds", said=said, sources=(str(table),))
    wrong = [f"{each.count} without {name} ({_keys(each, table)})" for name, each in met.items()]
    said = f"of {count} new rows of {table}: {'; '.join(wrong)}"
    return count, Rule(name=RECORDS, status="fails", said=said, sources=(str(table),))


def _keys(met: conditions.Met, table: Table) -> str:
    shown = ", ".join(
        " ".join(f"{name}={value}" for name, value in example.items()) for example in met.examples
    )
    return f"{shown}, ..." if met.count > len(met.examples) else shown


def _broken(look: looking.Look, tables: Tables) -> list[str]:
    """Return a sentence for each constraint of the tables that rows break, validated or not."""
    led_nowhere = orphans.find(look, orphans.constrained(look, tables))
    found = [f"{reference}: {finding.count} rows break it" for reference, finding in led_nowhere]
    # What foreign keys are broken is known by now, so none is counted a second time.
    checks = unsound.find_constraints(look, tables, {})
    return found + [f"{each.object}: {each.count} rows break it" for each in checks if each.count]


def _counted(settings: Settings, now: Counters, before: Counters | None) -> tuple[Status, str]:
    """Return what the statistics say: nothing was rolled back, or something was, and nobody knows what."""
    if before is None:
        return "holds", "counted from now on"
    if watch_growth.restarted(before, now) or watch_growth.reset(before, now):
        return (
            "unknown",
            "the server was restarted or its counters were set back, so nobody knows what failed",
        )
    rollbacks, deadlocks = now.rollbacks - before.rollbacks, now.deadlocks - before.deadlocks
    if rollbacks <= settings.most_rollbacks and not deadlocks:
        return "holds", f"{rollbacks} transactions were rolled back"
    return "fails", (
        f"{rollbacks} transactions were rolled back ({deadlocks} by a deadlock), and nothing here says by which error. "
        "Name errors_query, violations_query, logs_url or log_file, or what is usual as most_rollbacks"
    )


def _errors(settings: Settings, incidents: list[Incident], counted: tuple[Status, str]) -> Rule:
    sources = soak_sources.of_errors(settings)
    if not sources:
        return Rule(name=ERRORS, status=counted[0], said=counted[1], sources=(_STATISTICS,))
    said = "; ".join(_told(incidents)) or f"none in {', '.join(sources)}"
    return Rule(name=ERRORS, status="fails" if incidents else "holds", said=said, sources=sources)


def _violations(
    settings: Settings, incidents: list[Incident], counted: tuple[Status, str], broken: list[str]
) -> Rule:
    sources = ("rows", *(soak_sources.of_violations(settings) or (_STATISTICS,)))
    told = [*broken, *_told([each for each in incidents if each.violation])]
    if told:
        return Rule(name=VIOLATIONS, status="fails", said="; ".join(told), sources=sources)
    if soak_sources.of_violations(settings):
        return Rule(name=VIOLATIONS, status="holds", said=f"none in {', '.join(sources)}", sources=sources)
    return Rule(name=VIOLATIONS, status=counted[0], said=counted[1], sources=sources)


def _told(incidents: list[Incident]) -> Iterator[str]:
    yield from (f"{each.said} ({each.source})" for each in incidents[:_SHOWN])
    if len(incidents) > _SHOWN:
        yield f"{sum(each.count for each in incidents[_SHOWN:])} more"
