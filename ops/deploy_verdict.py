"""What a deploy gate found, as the one object that `runbooks deploy-gate --json` writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ops.deploy_choices import Part, Phase
from ops.evidence import Evidence
from ops.verdict import Verdict

Status = Literal["passed", "failed", "not checked"]
_UNPUBLISHED = {"ok", "rows", "idle"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Found(Evidence):
    """What one part found; `next_steps` are those of the runbook's triage that fit it."""

    next_steps: tuple[str, ...] = ()
    checked: bool = True

    @property
    def status(self) -> Status:
        return ("passed" if self.ok else "failed") if self.checked else "not checked"


class Check(_Part):
    """One part's result, for the record."""

    part: Part
    status: Status
    summary: str
    next_steps: tuple[str, ...] = ()


class Commit(_Part):
    """What is deployed; `clean` and `pushed` are `None` where there is no repository to ask."""

    hash: str
    clean: bool | None = None
    pushed: bool | None = None
    given: bool = False


class Checklist(_Part):
    """Whether a person went through the manual checklist, and what they said."""

    status: Literal["confirmed", "rejected", "not asked"]
    said: str = ""
    by: str | None = None


class Required(_Part):
    """One of the pieces of evidence without which no deploy has passed."""

    what: str
    present: bool
    said: str


class DeployGate(Evidence):
    """The whole result of one phase; `partial` says that only some parts ran, which is no verdict on the deploy."""

    verdict: Verdict
    project: str
    environment: str
    phase: Phase
    deploy: str
    partial: bool = False
    commit: Commit | None = None
    started: datetime
    duration_ms: float | None = None
    checks: tuple[Check, ...] = ()
    required: tuple[Required, ...] = ()
    checklist: Checklist | None = None
    findings: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    error: str | None = None
    bundle: str | None = None

    def published(self) -> dict[str, Any]:
        """Return what `--json` and the bundle write: all but the parts that only steps need."""
        return self.model_dump(mode="json", exclude=_UNPUBLISHED)
