"""The tables of evaluation as this tool needs them: there, with row level security, and open to its login.

Source: phase2-rollout-and-eval.md, the release gates and section 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg.rows import class_row, dict_row

from ops import app_tables, database, errors, eval_tables, queries
from ops.eval_night import Night
from ops.evals import COLUMNS
from ops.evidence import Evidence

_TEXT = ("text", "character varying")
_INTEGER = ("bigint", "integer")
_NUMBER = ("numeric", "double precision")
_TIME = ("timestamp with time zone",)
RUNS: dict[str, tuple[str, ...]] = {
    "id": _INTEGER,
    **dict.fromkeys(("run_key", "run_type", "schema_variant", "triggered_by"), _TEXT),
    **dict.fromkeys(("window_start", "window_end", "started_at", "finished_at"), _TIME),
    **dict.fromkeys(("content_digest", "measure_version", "verdict"), _TEXT),
    **dict.fromkeys(("version", "records"), _INTEGER),
    "tallies": ("jsonb", "json"),
}
SAMPLES: dict[str, tuple[str, ...]] = {
    "run_id": _INTEGER,
    **dict.fromkeys(COLUMNS, _TEXT),
    "example_id": (*_INTEGER, "uuid", *_TEXT),
    **dict.fromkeys(("schema_valid", "safe"), ("boolean",)),
    **dict.fromkeys(("publish_proxy", "cost_usd"), _NUMBER),
    "latency_ms": (*_INTEGER, "numeric"),
    "errored": ("text[]",),
    "created_at": _TIME,
}
SUMMARY = ("run_id", "provider")
_KEYS = {"runs": ["run_key"], "samples": ["measure_version", "record_key", "run_id"]}
_WRITTEN = {"runs": ("select", "insert", "update"), "samples": ("select", "insert")}
_MIGRATION = "Apply the migration of phase 2 (supabase/migrations/*_phase2_provider_routing_and_eval.sql)"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class _Relation:
    """A relation as the catalog knows it; without a `kind` it is not there."""

    schema: str
    name: str
    kind: str | None
    secured: bool
    hidden: bool
    invoker: bool
    readers: list[str]
    privileges: list[str]
    columns: dict[str, dict[str, Any]]
    keys: list[list[str]]

    def __str__(self) -> str:
        return ".".join(map(_quoted, (self.schema, self.name)))


# What is wrong, and the statement that mends it.
_Problem = tuple[str, str]


def check(night: Night) -> Evidence:
    """Check that the tables of evaluation are there as this tool writes them, with RLS, and open to its login.

    Raises:
        Refused: something is missing; the message has the statements that mend it.
        Unavailable: the database does not answer.
    """
    where = night.plan.environment
    if where.database is None:
        return Evidence(
            ok=True,
            idle=True,
            summary=f"{where.name} has no database, so nothing is ingested: this night writes files only.",
        )
    login, found = _login(night), _relations(night)
    problems = [*_problems_of_login(login), *_problems(night, found, login["role"])]
    rows = tuple(_row(name, relation) for name, relation in found.items())
    if problems:
        summary = _refusal(problems)
        raise errors.Refused(summary, Evidence(ok=False, summary=summary, rows=rows))
    return Evidence(ok=True, summary=_summary(found, login["role"]), rows=rows)


def _refusal(problems: list[_Problem]) -> str:
    said = "; ".join(problem for problem, _ in problems)
    mends = " ".join(dict.fromkeys(mend for _, mend in problems if mend))
    steps = [_MIGRATION] if "there is no" in said else []
    steps += [f"{'or let' if steps else 'Let'} their owner run: {mends}"] if mends else []
    advice = ", ".join(steps) or "Let another login do it, such as the owner of these tables."
    return f"This database is not ready: {said}, so that nothing can be ingested. {advice}"


def _login(night: Night) -> dict[str, Any]:
    with database.translating(), night.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(queries.load("eval/login")).fetchone() or {}


def _relations(night: Night) -> dict[str, _Relation]:
    settings = night.plan.project.eval
    names = ("runs", "samples", "summary", "table")
    parts = [eval_tables.split(getattr(settings, name), key=name) for name in names]
    values = {"schemas": [schema for schema, _ in parts], "names": [name for _, name in parts]}
    with database.translating(), night.connection.cursor(row_factory=class_row(_Relation)) as cursor:
        found = cursor.execute(queries.load("eval/relations"), values).fetchall()
    return dict(zip(names, found, strict=True))


def _problems_of_login(login: dict[str, Any]) -> Iterator[_Problem]:
    if login["read_only"]:
        yield "this database takes no writes (they are paused, or it is a replica)", ""
    if not login["temporary"]:
        yield (
            f"{login['role']} may make no temporary table",
            f"grant temporary on database {_quoted(login['database'])} to {_quoted(login['role'])};",
        )


def _problems(night: Night, found: dict[str, _Relation], role: str) -> Iterator[_Problem]:
    for name, wanted in (("runs", RUNS), ("samples", SAMPLES)):
        relation = found[name]
        if relation.kind not in ("r", "p"):
            yield f"there is no table {relation}", ""
            continue
        yield from _columns(relation, wanted)
        yield from _needed(relation, wanted)
        yield from _rows(relation, role)
        yield from _rights(relation, _WRITTEN[name], role)
        if _KEYS[name] not in relation.keys:
            columns = ", ".join(_KEYS[name])
            yield (
                f"{relation} has no unique key of {columns}",
                f"alter table {relation} add unique ({columns});",
            )
    if found["runs"].kind and not found["runs"].columns.get("id", {"made": True})["made"]:
        yield (
            f"{found['runs']} makes no numbers for id",
            f"alter table {found['runs']} alter column id add generated always as identity;",
        )
    yield from _view(found["summary"], role)
    if found["table"].kind:
        yield from _rows(found["table"], role)
    elif night.plan.kind != "file":
        yield f"there is no table {found['table']}", ""


def _columns(relation: _Relation, wanted: dict[str, tuple[str, ...]]) -> Iterator[_Problem]:
    for name, types in wanted.items():
        column = relation.columns.get(name)
        if column is None:
            yield (
                f"{relation} has no column {name} ({types[0]})",
                f"alter table {relation} add column {name} {types[0]};",
            )
        elif column["type"] not in types:
            yield (
                f"{relation}.{name} is {column['type']}, not {' or '.join(types)}",
                f"alter table {relation} alter column {name} type {types[0]};",
            )


def _needed(relation: _Relation, wanted: dict[str, tuple[str, ...]]) -> Iterator[_Problem]:
    """Name the columns of somebody's own that must have a value, which this tool has none for."""
    for name, column in relation.columns.items():
        if column["needed"] and name not in wanted:
            yield (
                f"{relation}.{_quoted(name)} must have a value, and this tool writes none",
                f"alter table {relation} alter column {_quoted(name)} drop not null;",
            )


def _rows(relation: _Relation, role: str) -> Iterator[_Problem]:
    if relation.kind in ("r", "p") and not relation.secured:
        yield (
            f"{relation} has no row level security",
            f"alter table {relation} enable row level security;",
        )
    if relation.hidden:
        yield f"row level security hides rows of {relation} from {role}, which is not its owner", ""


def _rights(relation: _Relation, wanted: tuple[str, ...], role: str) -> Iterator[_Problem]:
    if lacking := [each for each in wanted if each not in relation.privileges]:
        rights = ", ".join(lacking)
        yield f"{role} may not {rights} {relation}", f"grant {rights} on {relation} to {_quoted(role)};"


def _view(relation: _Relation, role: str) -> Iterator[_Problem]:
    if relation.kind is None:
        yield f"there is no view {relation}", ""
        return
    for name in SUMMARY:
        if name not in relation.columns:
            yield f"{relation} has no column {name}", ""
    yield from _rights(relation, ("select",), role)
    if relation.kind == "v" and relation.readers and not relation.invoker:
        yield (
            f"{relation} shows {' and '.join(relation.readers)} what row level security hides from them",
            f"alter view {relation} set (security_invoker = true);",
        )


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else app_tables.quoted(name)


def _row(name: str, relation: _Relation) -> dict[str, Any]:
    return {
        "setting": f"eval.{name}",
        "relation": str(relation),
        "found": {"r": "table", "p": "table", "v": "view"}.get(
            relation.kind or "", relation.kind or "missing"
        ),
        "columns": len(relation.columns),
        "row level security": relation.secured or relation.invoker,
        "rights": ", ".join(relation.privileges),
    }


def _summary(found: dict[str, _Relation], role: str) -> str:
    names = ", ".join(str(found[name]) for name in ("runs", "samples", "summary"))
    records = found["table"]
    beside = (
        f"; the records of {records} are behind it too" if records.kind else f"; there is no {records} here"
    )
    return f"{names} are there, behind row level security, and {role} may write them{beside}."
