"""Whether the app can log in and may do what it does: deploy-gate.md, pre-deploy checklist 1 and its triage."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from ops import app_settings, database, queries, written_tables
from ops import dsn as dsns
from ops.deploy_verdict import Found
from ops.settings import Deploy
from ops.written_tables import AppTables

Row = dict[str, Any]


def check_settings(
    root: Path, settings: Deploy, environment: Mapping[str, str] | None = None
) -> tuple[Row, ...]:
    """Return one row for each setting the app needs: where it is, or why that will not do; no values.

    Raises:
        Refused: the app's file of settings cannot be read.
    """
    variables = os.environ if environment is None else environment
    names = [*settings.secrets, *((settings.ai_key,) if settings.ai_key else ())]
    rows = [_present(name, root, variables) for name in dict.fromkeys(names)]
    if settings.datastore:
        rows.append(_datastore(settings.datastore, root, variables))
    return tuple(rows)


def check_rights(
    connection: database.Connection, tables: AppTables, *, place: str = "tables in [deploy]"
) -> tuple[Row, ...]:
    """Return one row for each right that the role needs on the tables that the app writes, named at this place."""
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        names = {
            "schemas": [each.schema for each in tables.found],
            "names": [each.name for each in tables.found],
        }
        rights = cursor.execute(queries.load("auth_preflight/rights"), names).fetchall()
    return (*(_right(each) for each in rights), *_missing(connection, tables, place))


def evidence(rows: tuple[Row, ...], *, login: str) -> Found:
    """Judge what was looked at, and choose the steps that help."""
    wrong = [row for row in rows if not row["ok"]]
    shown = "; ".join(f"{row['what']}: {row['found']}" for row in wrong[:3])
    more = f"; +{len(wrong) - 3} more" if len(wrong) > 3 else ""
    if not wrong:
        held = f"{len(rows)} settings and rights are as the app needs them"
        return Found(ok=True, summary=f"{login} {held}.", rows=rows)
    steps = dict.fromkeys(row["next"] for row in wrong)
    return Found(
        ok=False,
        summary=f"{login} But {len(wrong)} of {len(rows)} settings and rights are not: {shown}{more}.",
        rows=rows,
        next_steps=tuple(steps),
    )


def _present(name: str, root: Path, variables: Mapping[str, str]) -> Row:
    found = app_settings.find(name, root, variables)
    if found:
        return _row(f"setting {name}", ok=True, found=f"present ({found.place})")
    near = difflib.get_close_matches(name, app_settings.names(root, variables), n=1, cutoff=0.75)
    hint = f"; the nearest that there is is {near[0]}" if near else ""
    return _row(
        f"setting {name}",
        ok=False,
        found=f"in neither the environment nor {app_settings.FILE}{hint}",
        step=f"Set {name} in the app's environment or secrets, and restart the app once.",
    )


def _datastore(name: str, root: Path, variables: Mapping[str, str]) -> Row:
    found = app_settings.find(name, root, variables)
    if found is None:
        said = f'Set {name}=postgres, or say datastore = "" in [deploy] if the app has no such setting.'
        return _row(f"setting {name}", ok=False, found="not set, and must be exactly postgres", step=said)
    wrong = dsns.diagnose_environment({"DATASTORE": found.value})
    if not wrong:
        return _row(f"setting {name}", ok=True, found=f"exactly postgres ({found.place})")
    sentence = wrong[0].replace("DATASTORE", name)
    problem, _, step = sentence.rpartition(". Set ")
    return _row(f"setting {name}", ok=False, found=f"{problem} ({found.place})", step=f"Set {step}")


def _right(each: Mapping[str, Any]) -> Row:
    what = f"{each['privilege']} on {each['object']}"
    if each["granted"]:
        return _row(what, ok=True, found=f"granted to {each['role']}")
    kind = {"schema": "schema ", "sequence": "sequence "}.get(each["kind"], "")
    return _row(
        what,
        ok=False,
        found=f"not granted to {each['role']}",
        step=f"Let the owner run: grant {each['privilege']} on {kind}{each['object']} to {each['role']};",
    )


def _missing(connection: database.Connection, tables: AppTables, place: str) -> Iterator[Row]:
    for name in tables.missing:
        near = written_tables.nearest(connection, name)
        hint = f"; the nearest that there is is {near}" if near else ""
        yield _row(
            f"table {name}",
            ok=False,
            found=f"does not exist{hint}",
            step=f"Apply the migration that makes {name}, or mend {place}.",
        )


def _row(what: str, *, ok: bool, found: str, step: str = "") -> Row:
    return {"what": what, "ok": ok, "found": found, "next": step}
