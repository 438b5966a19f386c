"""What buckets there are, and who may do what with them: the contract of Storage, committed to the project.

Source: supabase-operations.md, "Storage Incident" ("validate bucket policy").
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from psycopg.rows import dict_row
from pydantic import Field

from ops import committed, database, errors, queries, rls_contract, rls_correction
from ops.checks import Finding, Severity
from ops.rls_contract import Policy, RlsContract, TableContract
from ops.settings import Strict

CONVENTION = Path("supabase/storage.contract.json")
ABSENT = "This database has no Storage, so there is nothing to declare or to compare."
_TABLES = ("storage.buckets", "storage.objects")
_DECLARE = "runbooks storage declare"
_SAID = {
    "public": "whether anybody may read it without a signature",
    "file_size_limit": "the size up to which a file is taken, in bytes",
    "allowed_mime_types": "the kinds of files that are taken",
}


class Bucket(Strict):
    """What a bucket takes, and whether anybody may read it."""

    public: bool
    file_size_limit: int | None = None
    allowed_mime_types: tuple[str, ...] | None = None


class StorageContract(Strict):
    """Every bucket, and row level security of the two tables that decide who may do what."""

    version: Literal[1] = 1
    written_by: int = Field(description="major version of the server whose words the predicates are")
    buckets: dict[str, Bucket]
    tables: dict[str, TableContract]


def of_database(connection: database.Connection) -> StorageContract:
    """Return the contract that holds in a database.

    Raises:
        Refused: it has no Storage.
        Unavailable: the connection is lost.
    """
    with database.translating(), connection.transaction():
        # Predicates are written with the schema of each name only where it is not on the search path.
        connection.execute("set local search_path = ''")
        connection.execute("set local row_security = off")
        with connection.cursor(row_factory=dict_row) as cursor:
            tables = cursor.execute(queries.load("storage/tables")).fetchall()
            named = {f"{row['schema']}.{row['name']}": row for row in tables}
            if not named.keys() >= {*_TABLES}:
                raise errors.Refused(ABSENT)
            buckets = cursor.execute(queries.load("storage/buckets")).fetchall()
    return StorageContract(
        written_by=connection.info.server_version // 10_000,
        buckets={row.pop("id"): Bucket.model_validate(row) for row in buckets},
        tables={
            name: TableContract(
                enabled=named[name]["enabled"],
                forced=named[name]["forced"],
                policies={key: Policy.model_validate(said) for key, said in named[name]["policies"].items()},
            )
            for name in _TABLES
        },
    )


def read(path: Path) -> StorageContract:
    """Read a committed contract.

    Raises:
        Refused: there is no such file, or it is no contract.
    """
    return committed.read(
        path, StorageContract, unsaid="which buckets are public and who may do what", declare=_DECLARE
    )


def text(contract: StorageContract) -> str:
    """Return the contract as it is committed: sorted, so that a change of one bucket is a change of few lines."""
    plain = contract.model_dump(mode="json")
    for table in plain["tables"].values():
        # Nothing of Storage's own is tried as each role: that is what the signed URLs are for.
        for name in ("acts", "moved_by", "untried"):
            table.pop(name)
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def compare(declared: StorageContract, found: StorageContract) -> tuple[Finding, ...]:
    """Return every way in which a database does otherwise than the contract says."""
    names = sorted(declared.buckets.keys() | found.buckets.keys())
    buckets = (
        finding
        for name in names
        for finding in _bucket(name, declared.buckets.get(name), found.buckets.get(name))
    )
    return (*buckets, *rls_contract.compare(_rls(declared), _rls(found)))


def correction(*, wanted: StorageContract, there: StorageContract) -> tuple[str, ...]:
    """Return the statements that bring buckets and policies to what `wanted` says; each can be run twice."""
    both = sorted(wanted.buckets.keys() & there.buckets.keys())
    return (
        *(
            _update(name, wanted.buckets[name])
            for name in both
            if wanted.buckets[name] != there.buckets[name]
        ),
        *rls_correction.statements(wanted=_rls(wanted), there=_rls(there)),
    )


def _rls(contract: StorageContract) -> RlsContract:
    return RlsContract(written_by=contract.written_by, tables=contract.tables)


def _bucket(name: str, declared: Bucket | None, found: Bucket | None) -> Iterator[Finding]:
    if declared is None:
        yield _finding(
            "storage-bucket-not-declared",
            name,
            "attention",
            f"The bucket {name} is there, and the contract does not have it.",
            "Nobody has said whether it is public and who may read it.",
            f"Declare it with the migration that makes it: {_DECLARE}.",
        )
        return
    if found is None:
        yield _finding(
            "storage-bucket-gone",
            name,
            "failed",
            f"The bucket {name} stands in the contract, and is not there.",
            "Everything that the app keeps in it answers with an error.",
            "Find out who removed it; make it again, and re-upload its objects from a backup.",
        )
        return
    for part, said in _SAID.items():
        was, now = getattr(declared, part), getattr(found, part)
        if was != now:
            opened = part == "public" and now
            yield _finding(
                "storage-bucket-changed",
                f"{name} {part}",
                "failed",
                f"Of the bucket {name} {said} was {_shown(was)} and is {_shown(now)}.",
                "Anybody may read everything in it."
                if opened
                else "Nobody has committed that to the contract.",
                "Find the migration or the hand that did it, and take it back; if it is meant, declare it again.",
            )


def _finding(kind: str, object: str, severity: Severity, said: str, why: str, todo: str) -> Finding:
    return Finding(kind=kind, object=object, severity=severity, said=said, why=why, todo=todo)


def _shown(value: bool | int | tuple[str, ...] | None) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


def _update(name: str, bucket: Bucket) -> str:
    kinds = bucket.allowed_mime_types
    types = "null" if kinds is None else f"array[{', '.join(map(_literal, kinds))}]::text[]"
    limit = "null" if bucket.file_size_limit is None else str(bucket.file_size_limit)
    facts = {"public": str(bucket.public).lower(), "file_size_limit": limit, "allowed_mime_types": types}
    given = ", ".join(f"{column} = {value}" for column, value in facts.items())
    return f"update storage.buckets set {given} where id = {_literal(name)};"  # noqa: S608 - quoted by _literal


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
