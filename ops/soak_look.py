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
    soak_paths,
    soak_sources,
    unsound,
    watch_growth,
    watch_sample,
)
from ops.app_tables import Table, Tables
from ops.soak_incident import Incident, Kind, Window
from ops.soak_record import Look, Rule, Soak, Status
from ops.watch_sample import Counters
from ops.watch_settings import Records
from ops.watch_settings import Soak as Settings

ERRORS, RECORDS, VIOLATIONS = "no SQL errors", "records complete", "no constraint violations"
ATTRIBUTED = "every error attributed"
_STATISTICS = "pg_stat_database"
_SHOWN = 3


def take(connection: database.Connection, settings: Settings, soak: Soak | None) -> Look:
    """Look once: at what happened since the last look of this soak, and at the rows since it began.

    The first look of a soak only learns from where to count. Our own transactions commit, so that they are not
    among those that are counted as rolled back.

    Raises:
        Unavailable: a source does not answer, so that nobody has looked.
        Refused: a table or column that the settings name does not exist, or may not be read; or the server keeps
            errors out of its log.
    """
    soak_sources.check_logging(connection, settings)
    counters = watch_sample.counters(connection)
    with _reading(connection) as look:
        tables = Tables.read(connection)
        named = tuple(tables.table(name, key="[soak] tables") for name in settings.tables)
        began = soak.began_at if soak else look.moment
        # An error that was seen has ended the soak already: what is looked at twice does no harm.
        since = max(began, soak.last_at - settings.allowed_lateness) if soak else look.moment
        records = _records(look, tables, settings.records, began) if settings.records else _no_records()
        broken = _broken(look, Tables(named))
        if look.unseen:
            first = look.unseen[0]
            raise errors.Refused(f"{first.object} cannot be looked at, so nothing soaks: {first.reason}")
        paths = soak_paths.read(connection, named)
    window = Window(since, look.moment, tuple(table.name for table in named), connection.info.dbname, paths)
    incidents = soak_sources.read(connection, settings, window)
    previous = soak.looks[-1].counters if soak else None
    counted = _counted(settings, counters, previous)
    return Look(
        at=look.moment,
        rules=(
            _errors(settings, incidents, counted),
            *_attributed(settings, incidents),
            records[1],
            _violations(settings, incidents, counted, broken),
        ),
        new_records=records[0],
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


def _no_records() -> tuple[None, Rule]:
    said = "NOT WATCHED: no records are configured, so nobody knows whether new ones hold their fields"
    return None, Rule(name=RECORDS, status="unwatched", said=said, sources=())


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
    if not count and not wanted.least:
        said = f"NOT WATCHED: there are no new rows of {table} that could have held {', '.join(fields)}"
        return 0, Rule(name=RECORDS, status="unwatched", said=said, sources=(str(table),))
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
    if told := [*_told(_of(incidents, "attributed"))]:
        return Rule(name=ERRORS, status="fails", said="; ".join(told), sources=sources)
    if unread := _of(incidents, "unread"):
        return Rule(name=ERRORS, status="unknown", said=unread[0].said, sources=sources)
    return Rule(name=ERRORS, status="holds", said=f"none in {', '.join(sources)}", sources=sources)


def _attributed(settings: Settings, incidents: list[Incident]) -> Iterator[Rule]:
    """Yield apart what failed without a word of where, so that it is neither blamed on the tables nor passed over."""
    sources = soak_sources.of_logs(settings)
    if not sources:
        return
    found = _of(incidents, "unattributed")
    said = "; ".join(_told(found)) or "none is left over"
    if len(found) <= settings.most_unattributed:
        yield Rule(name=ATTRIBUTED, status="holds", said=said, sources=sources)
        return
    todo = f"most_unattributed is {settings.most_unattributed}; raise it if these are known not to write to the tables"
    yield Rule(name=ATTRIBUTED, status="fails", said=f"{said}. {todo}", sources=sources)


def _violations(
    settings: Settings, incidents: list[Incident], counted: tuple[Status, str], broken: list[str]
) -> Rule:
    sources = ("rows", *(soak_sources.of_violations(settings) or (_STATISTICS,)))
    told = [*broken, *_told([each for each in _of(incidents, "attributed") if each.violation])]
    if told:
        return Rule(name=VIOLATIONS, status="fails", said="; ".join(told), sources=sources)
    if not soak_sources.of_violations(settings):
        return Rule(name=VIOLATIONS, status=counted[0], said=counted[1], sources=sources)
    if unread := _of(incidents, "unread"):
        return Rule(name=VIOLATIONS, status="unknown", said=unread[0].said, sources=sources)
    return Rule(name=VIOLATIONS, status="holds", said=f"none in {', '.join(sources)}", sources=sources)


def _of(incidents: list[Incident], kind: Kind) -> list[Incident]:
    return [each for each in incidents if each.kind == kind]


def _told(incidents: list[Incident]) -> Iterator[str]:
    yield from (f"{each.said} ({each.source})" for each in incidents[:_SHOWN])
    if len(incidents) > _SHOWN:
        yield f"{sum(each.count for each in incidents[_SHOWN:])} more"
