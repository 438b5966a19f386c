"""What a promotion did, as the one object that its bundle and `--json` have."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ops.evidence import Evidence
from ops.frozen import Frozen
from ops.verdict import Difference, Failure, Lock, Verdict

State = Literal[
    "nothing pending",
    "given up",
    "not begun",
    "under way",
    "promoted",
    "not proven",
    "kept half",
    "rolled back",
]
_UNPUBLISHED = {"ok", "rows", "idle"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class FileResult(_Part):
    """One file: whether this run applied it, found it applied, or what became of it."""

    file: str
    version: str
    overlay: bool = False
    status: Literal["applied", "applied before", "failed", "not reached", "rolled back"]
    transactional: bool = True
    duration_ms: float | None = None
    attempts: int = 0
    locks: tuple[Lock, ...] = ()
    error: Failure | None = None
    notes: tuple[str, ...] = ()


class Check(_Part):
    """One thing that was looked at, before or after the act; `ok` is `None` where it was not looked at."""

    name: str
    ok: bool | None
    summary: str


class Decision(_Part):
    """Who let the plan through, and how it was proven; `continued` says that the plan was begun by another run."""

    requester: str = ""
    by: tuple[str, ...] = ()
    proof: str = ""
    broken_glass: bool = False
    continued: str = ""


class Promotion(Evidence):
    """The whole result of one run of a promotion."""

    verdict: Verdict
    state: State
    project: str
    environment: str
    commit: str | None = None
    change_digest: str = ""
    plan_digest: str = ""
    plan: Frozen | None = None
    started: datetime
    ended: datetime | None = None
    began_at: datetime | None = None
    applied_at: datetime | None = None
    decision: Decision = Decision()
    checks: tuple[Check, ...] = ()
    files: tuple[FileResult, ...] = ()
    differences: tuple[Difference, ...] = ()
    drift: tuple[Difference, ...] = ()
    findings: tuple[str, ...] = ()
    error: Failure | None = None
    bundle: str | None = None

    def published(self) -> dict[str, Any]:
        """Return what `--json` and the bundle write: all but the parts that only steps need."""
        return self.model_dump(mode="json", exclude=_UNPUBLISHED)

    @classmethod
    def read(cls, text: str) -> Promotion:
        """Return what was published as this JSON."""
        plain = json.loads(text)
        return cls.model_validate({**plain, "ok": plain["verdict"] == Verdict.PASSED})
