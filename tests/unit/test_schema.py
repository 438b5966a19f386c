"""The published JSON contract: current, valid, strict, and with every field that its readers count on."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

from cli import schema
from ops.verdict import Failure, Lock, MigrationResult, Reapply, Rollback
from tests import reports

PUBLISHED: dict[str, Any] = json.loads(schema.FILE.read_text(encoding="utf-8"))

# What the contract of `runbooks rehearse` promises to other tools.
PROMISED = {
    "": {
        "verdict",
        "summary",
        "project",
        "base",
        "counts",
        "migrations",
        "chain",
        "contract",
        "rls",
        "bundle",
    },
    "MigrationResult": {
        *("file", "version", "status", "transactional", "duration_ms", "locks", "attempts", "error"),
        *("rollback", "reapply", "lint"),
    },
    "Failure": {"sqlstate", "message", "hint", "line", "column", "statement"},
    "Rollback": {"script", "status", "differences"},
    "Chain": {"status", "differences"},
    "Contract": {"files"},
    "ContractFile": {"name", "planned", "passed", "failed", "error"},
    "Rls": {"tables", "findings"},
    "Base": {"server_version", "stand_ins"},
}


VALIDATOR: Any = jsonschema.Draft202012Validator(PUBLISHED)


def validate(instance: object) -> None:
    VALIDATOR.validate(instance)


def test_published_file_is_current() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), (
        "run `python -m cli.schema` and commit the file"
    )


def test_published_file_of_the_gate_is_current() -> None:
    assert schema.GATE_FILE.read_text(encoding="utf-8") == schema.gate_text(), (
        "run `python -m cli.schema` and commit the file"
    )


def test_published_file_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(PUBLISHED)


@pytest.mark.parametrize("name", reports.ALL)
def test_results_are_valid(name: str) -> None:
    found = reports.ALL[name]()
    # Of hundreds of one kind nine have whatever the others have.
    some = found.model_copy(update={"migrations": found.migrations[:9]})
    validate(json.loads(json.dumps(some.published())))


@pytest.mark.parametrize("part", PROMISED)
def test_promised_fields_are_always_there(part: str) -> None:
    described = PUBLISHED["$defs"][part] if part else PUBLISHED
    assert PROMISED[part] <= set(described["required"])
    assert set(described["required"]) == set(described["properties"])


def test_promised_words_are_among_those_allowed() -> None:
    allowed = {
        name: set(PUBLISHED["$defs"][name]["properties"]["status"]["enum"])
        for name in ("MigrationResult", "Rollback", "Chain", "Reapply")
    }
    assert allowed["MigrationResult"] == {"applied", "failed", "refused", "skipped"}
    assert allowed["Rollback"] == {"proven", "differs", "failed", "missing", "skipped"}
    assert allowed["Chain"] == {"proven", "differs", "failed", "skipped"}
    assert allowed["Reapply"] == {"same", "differs", "failed", "skipped"}
    assert set(PUBLISHED["$defs"]["Verdict"]["enum"]) == {"passed", "failed", "refused", "unavailable"}


def test_every_field_is_written_even_when_nothing_is_known() -> None:
    plain = reports.rehearsal(MigrationResult(file="a.sql", version="1", status="skipped")).published()
    (migration,) = plain["migrations"]
    assert migration["error"] is None
    assert migration["locks"] == []
    assert migration["rollback"] == Rollback(status="missing").model_dump(mode="json")
    assert migration["reapply"] == Reapply(status="skipped").model_dump(mode="json")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("verdict",), "fine"),
        (("surprise",), 1),
        (("migrations", 0, "status"), "unknown"),
        (("migrations", 0, "attempts"), "three"),
        (("migrations", 0, "locks"), [{"object": "public.t"}]),
        (("migrations", 0, "rollback", "status"), "restored"),
        (("base",), None),
    ],
)
def test_what_does_not_fit_is_seen(place: tuple[str | int, ...], value: object) -> None:
    instance: Any = json.loads(json.dumps(reports.failed().published()))
    validate(instance)
    broken = copy.deepcopy(instance)
    part = broken
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        validate(broken)


def test_missing_field_is_seen() -> None:
    broken: Any = json.loads(json.dumps(reports.passed().published()))
    del broken["bundle"]
    with pytest.raises(jsonschema.ValidationError, match="bundle"):
        validate(broken)


def test_error_has_its_place_in_the_file() -> None:
    error = Failure(message="m", sqlstate="42P01", hint="h", file="f", line=3, column=7, statement="select 1")
    result = MigrationResult(
        file="f",
        version="1",
        status="failed",
        error=error,
        locks=(Lock(object="public.t", mode="ShareLock"),),
    )
    written = reports.rehearsal(result, ok=False).published()["migrations"][0]
    assert (written["error"]["line"], written["error"]["column"]) == (3, 7)
    assert written["locks"] == [{"object": "public.t", "mode": "ShareLock"}]
