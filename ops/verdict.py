"""What a rehearsal found, as the one object that `runbooks rehearse --json` writes.

Its JSON schema is published in `docs/rehearsal.schema.json`; `python -m cli.schema` writes it.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from ops import errors
from ops.evidence import Evidence


class Part(BaseModel):
    """A part of a result: frozen, and every field of it is always published."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )


class Verdict(StrEnum):
    """The answer in one word; the exit codes are 0, 1, 2 and 3."""

    PASSED = "passed"
    FAILED = "failed"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"

    @property
    def exit_code(self) -> int:
        return list(Verdict).index(self)

    @classmethod
    def of(cls, error: errors.OpsError) -> Verdict:
        """Return what an error that ended everything makes of it."""
        if isinstance(error, errors.Refused | errors.Denied):
            return cls.REFUSED
        return cls.UNAVAILABLE if isinstance(error, errors.Unavailable) else cls.FAILED


class Failure(Part):
    """An error as the server said it, with its place in the file; line and column start at 1."""

    message: str
    sqlstate: str | None = None
    hint: str | None = None
    detail: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    statement: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return " ".join(part for part in (place, self.sqlstate, self.message) if part)


class Lock(Part):
    """A lock that a migration held just before it committed."""

    object: str
    mode: str


class Difference(Part):
    """One object (or the rows of one table) that is not the same on both sides.

    `kind` is table, column, index, policy, rows, ...; `object` its qualified name; `before` and `after` its
    definitions, `None` where it does not exist.
    """

    kind: str
    object: str
    before: str | None = None
    after: str | None = None
    note: str | None = None


class Rollback(Part):
    """Whether a migration's rollback script restores what was there before."""

    script: str | None = None
    sha256: str | None = None
    status: Literal["proven", "differs", "failed", "missing", "skipped"]
    differences: tuple[Difference, ...] = ()
    rows_seen: int = 0
    duration_ms: float | None = None
    error: Failure | None = None


class Reapply(Part):
    """Whether the migration, applied again after its rollback, gives the same result as the first time."""

    status: Literal["same", "differs", "failed", "skipped"]
    differences: tuple[Difference, ...] = ()
    error: Failure | None = None


class Lint(Part):
    """A finding of the migration linter."""

    rule: str
    message: str
    level: str = "warning"
    line: int | None = None
    column: int | None = None
    help: str | None = None


class MigrationResult(Part):
    """One migration: what happened when it was applied, rolled back and applied again."""

    file: str
    version: str
    name: str = ""
    overlay: bool = False
    sha256: str | None = None
    status: Literal["applied", "failed", "refused", "skipped"]
    transactional: bool = True
    duration_ms: float | None = None
    locks: tuple[Lock, ...] = ()
    tables_rewritten: tuple[str, ...] = ()
    rows_written: int = 0
    wal_bytes: int | None = None
    lock_timeout_ms: int | None = None
    attempts: int = 0
    error: Failure | None = None
    rollback: Rollback = Rollback(status="missing")
    reapply: Reapply = Reapply(status="skipped")
    lint: tuple[Lint, ...] = ()
    findings: tuple[str, ...] = ()


class Chain(Part):
    """All pending migrations rolled back in reverse and applied again."""

    status: Literal["proven", "differs", "failed", "skipped"]
    differences: tuple[Difference, ...] = ()
    reason: str | None = None


class ContractFile(Part):
    """One file of assertions: the SQL contract or a pgTAP suite."""

    name: str
    planned: int | None = None
    passed: int = 0
    failed: int = 0
    error: str | None = None
    failures: tuple[str, ...] = ()


class Contract(Part):
    """The project's own assertions about its database; `stand_ins` is what they ran on in place of pgTAP."""

    files: tuple[ContractFile, ...] = ()
    missing: str | None = None
    stand_ins: tuple[str, ...] = ()


class RlsTable(Part):
    """Row level security of one table in an exposed schema."""

    table: str
    enabled: bool
    forced: bool = False
    policies: int = 0


class RlsFinding(Part):
    """A table of an exposed schema that is not covered; `level` is error or warning."""

    table: str
    policy: str | None = None
    level: Literal["error", "warning"] = "error"
    message: str


class Rls(Part):
    """RLS coverage of every table in exposed schemas."""

    tables: tuple[RlsTable, ...] = ()
    findings: tuple[RlsFinding, ...] = ()


class Base(Part):
    """The database the rehearsal ran on; `servers` counts those on which rollbacks were proven at once."""

    place: str
    server_version: str | None = None
    major: int | None = None
    servers: int = 1
    stand_ins: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class ChangeParts(Part):
    """A change as digests of its parts, each over content; `digest` is over all of them.

    `migrations` is over the migrations with their rollback scripts, `overlay` over those of `overlay_environment` with
    theirs ("" without), `verification` over the verification, contract and pgTAP files, `gates` over the release gates.
    """

    migrations: str
    overlay: str = ""
    overlay_environment: str = ""
    verification: str
    gates: str

    @property
    def digest(self) -> str:
        said = "\n".join(f"{name} {value}" for name, value in self.model_dump().items())
        return hashlib.sha256(said.encode()).hexdigest()


class Counts(Part):
    """How many migrations and overlays ended in which way; `overlays` says how many of them are overlays."""

    files: int = 0
    pending: int = 0
    overlays: int = 0
    applied: int = 0
    failed: int = 0
    refused: int = 0
    skipped: int = 0
    rollbacks_proven: int = 0
    rollbacks_wrong: int = 0
    rollbacks_missing: int = 0


class Rehearsal(Evidence):
    """The whole result: `ok` says whether everything holds, `verdict` also why not; `THEN` is what comes next."""

    THEN: ClassVar[str] = "ask for the production window"

    verdict: Verdict
    project: str
    environment: str
    commit: str | None = None
    change_digest: str | None = None
    change: ChangeParts | None = None
    started: str
    duration_ms: float | None = None
    base: Base
    counts: Counts = Counts()
    migrations: tuple[MigrationResult, ...] = ()
    chain: Chain = Chain(status="skipped")
    contract: Contract = Contract()
    rls: Rls = Rls()
    findings: tuple[str, ...] = ()
    error: Failure | None = None
    bundle: str | None = None

    def published(self) -> dict[str, Any]:
        """Return what `--json` and the bundle write: all but the parts that only steps need."""
        return self.model_dump(mode="json", exclude=UNPUBLISHED)

    @classmethod
    def read(cls, text: str) -> Rehearsal:
        """Return what was published as this JSON."""
        plain = json.loads(text)
        return cls.model_validate({**plain, "ok": plain["verdict"] == Verdict.PASSED})


UNPUBLISHED = {"ok", "rows", "idle"}
