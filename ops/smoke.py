"""Whether the app's tables take what the app does: deploy-gate.md, "Post-Deploy Smoke", strict.

A row of each table is written, read back, changed and deleted by the app's own path, and no reader sees a trace.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from ops import (
    ai_path,
    app_settings,
    config_lines,
    database,
    deploys,
    errors,
    own_traces,
    sample_rows,
    samples,
    smoke_guard,
    smoke_rest,
    smoke_rows,
    smoke_sql,
    written_tables,
)
from ops.deploy_gated import Gated
from ops.deploy_verdict import Found
from ops.smoke_rest import Api
from ops.written_tables import Table

_NOTHING = "No table is named in [deploy] tables and none of the runbook's is there, so nothing was written."


def check(gate: Gated) -> Found:
    """Run the smoke of all tables, of the AI path, and of the app's health.

    Raises:
        Refused: a row cannot be made up, or a command or secret that is configured is not there.
        Unavailable: the database or the API does not answer, or a lock is held for too long.
    """
    tables = written_tables.find(gate.connection, gate.plan.project.deploy)
    if not tables.found:
        missing = f" {', '.join(tables.missing)} do not exist." if tables.missing else ""
        return Found(
            ok=False,
            checked=False,
            summary=_NOTHING + missing,
            next_steps=("Name the tables that the app writes: [deploy] tables in runbooks.toml.",),
        )
    samples.check(gate.connection, gate.plan.project.root, gate.plan.project.deploy.samples)
    rows, odd = _written(gate, tables.found)
    rows += [_missing(gate, name) for name in tables.missing]
    with own_traces.counted(gate) if ai_path.stores(gate) else nullcontext():
        path = ai_path.check(gate)
    gate.findings += odd + path.findings
    return _evidence(rows, path)


def _missing(gate: Gated, name: str) -> dict[str, Any]:
    near = written_tables.nearest(gate.connection, name)
    hint = f"; the nearest that there is is {near}" if near else ""
    said = f"{samples.place(gate.plan.project.root, 'tables')}: {name} does not exist{hint}."
    step = f"Apply the migration that makes {name}, or mend tables in [deploy]."
    return smoke_sql.result(Table("", name, 0), "none", "not written", said, step)


def _written(gate: Gated, tables: tuple[Table, ...]) -> tuple[list[dict[str, Any]], list[str]]:
    # A session of its own: whatever breaks it takes the smoke's rows with it.
    with database.connect(gate.dsn, application=gate.run, prepare_threshold=None) as connection:
        if gate.plan.environment.api is None:
            return _through_dsn(gate, connection, tables)
        return _through_api(gate, connection, tables)


def _through_dsn(
    gate: Gated, connection: database.Connection, tables: tuple[Table, ...]
) -> tuple[list[dict[str, Any]], list[str]]:
    given = gate.plan.project.deploy.samples
    make = {table: functools.partial(sample_rows.make, connection, table, given) for table in tables}
    return smoke_sql.run(connection, make)


def _through_api(
    gate: Gated, connection: database.Connection, tables: tuple[Table, ...]
) -> tuple[list[dict[str, Any]], list[str]]:
    given = gate.plan.project.deploy.samples
    deploys.prepare(connection)
    code = smoke_sql.code(connection, list(tables))
    results: list[dict[str, Any]] = []
    unfit: list[Table] = []
    with (
        smoke_rows.alone(gate.dsn, gate.run),
        smoke_guard.standing_by(gate.dsn, writer=smoke_rows.WRITER),
        closing(_api(gate)) as api,
    ):
        odd = smoke_rows.remove_left(connection)
        for table in tables:
            row = sample_rows.make(connection, table, given)
            reason = smoke_rest.unfit(row, code)
            if reason is None:
                results.append(smoke_rest.run(connection, api, row))
                continue
            unfit.append(table)
            results += _read_only(api, row)
            odd.append(f"{table} is written through the DSN and only read through the API: {reason}.")
    through_dsn, more = _through_dsn(gate, connection, tuple(unfit)) if unfit else ([], [])
    return results + through_dsn, odd + more


def _read_only(api: Api, row: sample_rows.Row) -> Iterator[dict[str, Any]]:
    """Ask the API for a row that is not there: that it can be asked is all that leaves no trace."""
    try:
        api.find(row)
    except errors.CheckFailed as error:
        yield smoke_sql.result(row.table, "API", "not read", str(error))


def _api(gate: Gated) -> Api:
    where, root = gate.plan.environment, gate.plan.project.root
    key = app_settings.open_reference(where.api_key, root) if where.api_key else None
    place = config_lines.place(root, "environments", where.name, "api")
    return Api(_address(where.api or "", root, place), key)


def _address(reference: str, root: Path, place: str) -> str:
    try:
        url = reference if "://" in reference else app_settings.open_reference(reference, root)
    except errors.Refused as error:
        raise errors.Refused(f"{place}: api: {error}") from None
    if not url.startswith(("http://", "https://")):
        raise errors.Refused(
            f"{place}: api: the API's address is no URL of the web, so nothing can be asked there. Write "
            "https://….supabase.co, or the name of a secret that holds it."
        )
    return url


def _evidence(rows: list[dict[str, Any]], path: ai_path.AiPath) -> Found:
    wrong = [row["problem"] for row in rows if row["problem"]] + path.problems
    steps = [row["next"] for row in rows if row["next"]] + path.next_steps
    if any(row["problem"] for row in rows):
        steps.append("If writes are missing in the app, look at the integrity report of this bundle as well.")
    ways = " and ".join(sorted({row["path"] for row in rows}))
    if not wrong:
        said = (
            f"{len(rows)} tables take what the app does, through {ways}, and no trace is left; {path.said}."
        )
        return Found(ok=True, summary=said, rows=tuple(rows))
    shown = " ".join(wrong[:3]) + (f" +{len(wrong) - 3} more." if len(wrong) > 3 else "")
    return Found(ok=False, summary=shown, rows=tuple(rows), next_steps=tuple(dict.fromkeys(steps)))
