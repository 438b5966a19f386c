"""What the critical tables held at a known place in the WAL: with that, a restored database is compared exactly.

A reference lies with the evidence, outside of the database whose backups it judges.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
from psycopg import sql

from ops import database, errors, queries, schema
from ops.app_tables import Table, Tables
from ops.backups import Fact

# Larger tables are counted and not hashed.
MOST_HASHED = 4 * 1024**3
_TRIES = 5
_LOCK_TIMEOUT = "1s"
_KEPT = 60
# The text of a value depends on these.
_SETTINGS = (
    "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres'; "
    "set local extra_float_digits = 3; set local bytea_output = 'hex'; set local statement_timeout = 0; "
    "set local xmloption = 'content'; set local lc_monetary = 'C'"
)
# What is named after its table; an index is not, and is looked through instead.
_OF_TABLE = ("column", "constraint", "trigger", "policy")


class TableReference(Fact):
    """The rows of one table; `hash` is None where it was too large to be hashed."""

    rows: int
    hash: str | None = None


class Reference(Fact):
    """What there was; `exact` says that nobody wrote to these tables between the place and the snapshot.

    `described` are the columns, constraints, policies and grants of each table.
    """

    taken: datetime
    lsn: int
    timeline: int
    system_identifier: str
    database: str
    exact: bool
    tables: dict[str, TableReference]
    described: dict[str, dict[str, str]]
    sequences: dict[str, int]


def take(dsn: str, names: Iterable[str] = (), *, most_hashed: int = MOST_HASHED) -> Reference:
    """Count and hash the critical tables, by default all of the app's, at one place in the WAL.

    A second login holds those that write for the moment in which the snapshot is taken: milliseconds, and only when it
    has the locks within a second. Otherwise the reference is not `exact`, and says so.

    Raises:
        Refused: one of the tables is not there.
        Unavailable: the connection is lost.
    """
    with database.connect(dsn, autocommit=False) as connection, database.translating():
        tables = chosen(connection, names)
        connection.commit()
        with _nobody_writing(dsn, tables) as exact:
            connection.execute("set transaction isolation level repeatable read, read only")
            connection.execute(_SETTINGS.encode())
            # Before the place: what a sequence gives out later is not at it, and what it gave out before is.
            sequences = counted(connection)
            ((lsn, system, timeline, taken, name),) = connection.execute(queries.load("reference/place"))
        found = read(connection, tables, most_hashed=most_hashed)
        described = describe(connection, tables)
        connection.rollback()
        connection.execute(queries.load("reference/mark"))
        connection.commit()
    return Reference(
        taken=taken,
        lsn=lsn,
        timeline=timeline,
        system_identifier=system,
        database=name,
        exact=exact,
        tables=found,
        described=described,
        sequences=sequences,
    )


def chosen(connection: database.Connection, names: Iterable[str]) -> tuple[Table, ...]:
    """Return the critical tables, by default all of the app's.

    Raises:
        Refused: one of them is not there.
    """
    tables = Tables.read(connection, columns=False)
    named = tuple(tables.table(name, key="backups.drill.tables") for name in names)
    return named or tables.of_app


def read(
    connection: database.Connection, tables: Iterable[Table], *, most_hashed: int = MOST_HASHED
) -> dict[str, TableReference]:
    """Return the rows of these tables as numbers that are alike for alike rows, whatever their order."""
    tables = tuple(tables)
    sizes = dict(
        connection.execute(queries.load("reference/sizes"), {"oids": [t.oid for t in tables]}).fetchall()
    )
    return {str(table): _read(connection, table, hashed=sizes[table.oid] <= most_hashed) for table in tables}


def prepare(connection: database.Connection) -> None:
    """Make values have one text in this transaction."""
    connection.execute(_SETTINGS.encode())


def describe(connection: database.Connection, tables: Iterable[Table]) -> dict[str, dict[str, str]]:
    """Return what belongs to each of these tables, its policies among it, in the server's own words."""
    names = {str(table) for table in tables}
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    for (kind, identity), definition in schema.snapshot(connection).items():
        if owner := _owner(kind, identity, names):
            found[owner][f"{kind} {identity}"] = definition
    return found


def counted(connection: database.Connection) -> dict[str, int]:
    """Return what the sequences have counted to; those that were never called are left out."""
    rows = connection.execute(queries.load("reference/sequences")).fetchall()
    return {str(name): int(value) for name, value in rows if value is not None}


def folder(root: Path, environment: str) -> Path:
    """Return where the references of an environment lie below `root`/artifacts/ops."""
    return root / "artifacts" / "ops" / "references" / quote(environment, safe="")


def keep(root: Path, environment: str, found: Reference) -> Path:
    """Write a reference beside the evidence, the whole file or none of it; the oldest ones go.

    Raises:
        Refused: the folder cannot be written.
    """
    where = folder(root, environment)
    path = where / f"{found.taken:%Y%m%dT%H%M%S}-{found.lsn:016X}.json"
    temporary = where / f".{path.name}.{uuid4().hex}.tmp"
    try:
        where.mkdir(parents=True, exist_ok=True)
        with temporary.open("x", encoding="utf-8") as file:
            file.write(found.model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        for old in sorted(where.glob("*.json"))[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise errors.Refused(
            f"The reference cannot be written to {path}: {error.strerror}. Name another folder."
        ) from None
    return path


def kept(root: Path, environment: str) -> Generator[Reference]:
    """Yield what was kept, the newest first; a file that is no reference is passed over."""
    for path in sorted(folder(root, environment).glob("*.json"), reverse=True):
        try:
            yield Reference.model_validate(json.loads(path.read_text("utf-8")))
        except (ValueError, OSError):
            continue


@contextmanager
def _nobody_writing(dsn: str, tables: tuple[Table, ...]) -> Generator[bool]:
    """Hold those who write to these tables for as long as the block takes, if they let us; yield whether they did."""
    if not tables:
        yield True
        return
    lock = sql.SQL("lock table {} in share mode").format(
        sql.SQL(", ").join(
            sql.SQL("only {}").format(t.identifier) if not t.partitioned else t.identifier for t in tables
        )
    )
    with database.connect(dsn, autocommit=False) as holder:
        held = False
        for attempt in range(_TRIES):
            try:
                holder.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'".encode())
                holder.execute(lock)
                held = True
                break
            except psycopg.errors.LockNotAvailable:
                holder.rollback()
                time.sleep(0.2 * (attempt + 1))
            except (psycopg.errors.DeadlockDetected, psycopg.errors.InsufficientPrivilege):
                holder.rollback()
                break
        yield held
        holder.rollback()


def _read(connection: database.Connection, table: Table, *, hashed: bool) -> TableReference:
    # A sum of hashes does not depend on the order, and says of two equal rows that there are two.
    what = (
        sql.SQL("coalesce(sum(pg_catalog.hashtextextended(t::text, 0)::numeric), 0)::text")
        if hashed
        else sql.SQL("null")
    )
    query = sql.SQL("select count(*), {} from {} t").format(what, table.rows)
    ((rows, digest),) = connection.execute(query).fetchall()
    return TableReference(rows=rows, hash=digest)


def _owner(kind: str, identity: str, names: set[str]) -> str | None:
    """Return the table to which an object of this name belongs, if it is one of these."""
    if kind == "grant":
        name = identity.removeprefix("table ").rpartition(" to ")[0]
    elif kind in _OF_TABLE:
        name = identity.rpartition(".")[0]
    else:
        name = identity if kind in ("table", "column order") else ""
    return name if name in names else None


def as_rows(found: Mapping[str, TableReference]) -> tuple[dict[str, Any], ...]:
    """Return a row of a table of evidence for each."""
    return tuple(
        {"table": name, "rows": each.rows, "hash": each.hash or "too large"} for name, each in found.items()
    )
