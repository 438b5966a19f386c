"""A production restored to a point in time: what one run knows while it goes from the pause to the report.

Source: supabase-operations.md, "Restore workflow (prod incident)".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ops import database, errors, project, reasons, recovery_target, secrets, write_pause_approved
from ops.bundle import Bundle
from ops.choices import in_order
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.recovery_target import RecoveryTarget, TargetKind
from ops.write_pause import Site
from ops.write_pause_approved import Proven
from ops.write_pause_journal import Event, Record

KIND = "prod-restore"
STILL_PAUSED = (
    "Writes are still paused. Run prod-restore again to go on from here: nobody is asked again for what was approved. "
    "To restore nothing and only re-enable writes, choose give_up."
)
_UNPROVEN = (
    "Nothing was done. Run prod-restore again to be asked anew; to end that record and only re-enable writes, choose "
    "give_up."
)


class Way(StrEnum):
    """Who restores the database."""

    TICKET = "ticket"
    API = "api"
    BACKUP = "backup"


class RestoreChoices(BaseModel):
    """How it is restored, and what is known of the cause."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    way: Way = Field(
        default=Way.TICKET,
        description="Who restores: Supabase's support (ticket), its Management API (api), or you, by your own backup",
    )
    root_cause: Literal[
        "not known yet", "migration", "application", "operator", "security", "corruption", "provider"
    ] = Field(default="not known yet", description="What broke the data, as far as is known")
    cause: str = Field(default="", description="The cause in a sentence, for the report")
    give_up: bool = Field(default=False, description="Restore nothing: only re-enable writes that are paused")
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")


class RestorePlan(Evidence):
    """What is to be restored, as files and choices say."""

    project: Project
    environment: Environment
    target: RecoveryTarget
    reason: str
    choices: RestoreChoices
    out: Path


class Restoring:
    """A restore while it runs; what must outlive a gate is in the record of paused writes."""

    def __init__(self, plan: RestorePlan, site: Site) -> None:
        self.plan = plan
        self.site = site
        self.started = datetime.now(UTC)
        self.bundle: Bundle | None = None
        self.concluded: Evidence | None = None
        self.record = Record()
        self.proven = Proven()
        self.identity: dict[str, Any] = {}
        self.expected: tuple[dict[str, Any], ...] = ()
        self.offer: dict[str, Any] = {}
        self.verified: tuple[dict[str, Any], ...] = ()
        self.approved: dict[str, Any] = {}

    def reread(self) -> Record:
        """Read the record of paused writes anew, and look for what it says was approved."""
        with self.site.connected() as connection:
            self.look(connection)
        return self.record

    def look(self, connection: database.Connection) -> None:
        """Read the record of paused writes, and look for what it says was approved.

        Raises:
            CheckFailed: the record and its copy contradict each other.
        """
        self.proven = write_pause_approved.read(self.site, connection)
        self.record = self.proven.record

    @property
    def incident(self) -> str:
        """The name of the incident: that of the open one, or one that is new."""
        return self.record.open[0].incident if self.record.open else f"{self.started:%Y%m%dT%H%M%S%fZ}"

    @property
    def paused(self) -> bool:
        """Whether an incident was begun here, and writes have not been re-enabled."""
        return bool(self.record.open) and not self.over

    @property
    def still(self) -> str:
        """Say what there is of a pause, and how to go on."""
        if not self.record.open:
            return "Nothing was done."
        return f"{self.proven.doubt} {_UNPROVEN}" if self.proven.pause is None else STILL_PAUSED

    @property
    def over(self) -> bool:
        """Whether writes were re-enabled as was approved, so that only the end is missing."""
        return self.proven.over

    @property
    def paused_on(self) -> Mapping[str, Any]:
        """The identity of the database that was paused; that of now, where no pause is known to be approved."""
        begun = self.proven.pause
        return (begun.details.get("identity") if begun else None) or self.identity

    @property
    def restored(self) -> bool:
        """Whether the database was restored since writes were paused."""
        return self.record.has("rewound") or bool(self.record.rewound)

    def event(self, name: str) -> Event | None:
        """Return the newest event of this name in the open incident."""
        return next((each for each in reversed(self.record.open) if each.event == name), None)

    def said(self, name: str) -> dict[str, Any]:
        """Return the details of that event; nothing where there is none."""
        found = self.event(name)
        return found.details if found else {}


def plan(path: str, environment: str, target: str, reason: str, choices: RestoreChoices) -> RestorePlan:
    """Say what would be restored; reads files only.

    Raises:
        Refused: the project, the target or the reason has a mistake.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    point = RecoveryTarget() if choices.give_up else _point(target, choices.way)
    reasons.verify(reason, what="A restore", why="what is broken")
    what = "re-enable writes" if choices.give_up else f"restore to {point} by {choices.way}"
    return RestorePlan(
        ok=True,
        summary=f"{operated.name} on {where.name}: {what}.",
        project=operated,
        environment=where,
        target=point,
        reason=reason.strip(),
        choices=choices,
        out=Path(choices.out) if choices.out else operated.root,
    )


def opened(plan: RestorePlan, run: str, *, id: str = "") -> Restoring:
    """Return the restore by the run of this name and id, with the database of its environment.

    Raises:
        Refused: the environment has no database, or its secret cannot be opened.
    """
    if plan.environment.database is None:
        raise errors.Refused(
            f"The environment {plan.environment.name!r} has no database, so there is nothing to restore. "
            "Name it in runbooks.toml."
        )
    dsn = secrets.open_secret(plan.environment.database)
    return Restoring(plan, Site(plan.project, plan.environment, dsn, run, id))


def _point(target: str, way: Way) -> RecoveryTarget:
    point = recovery_target.read(target)
    if point.kind is TargetKind.LATEST or (way is not Way.BACKUP and point.at is None):
        raise errors.Refused(
            f"{target or 'latest'} is no moment to restore a production to by {way}, so nothing was started. Say the "
            "last second at which all was well, such as 2026-11-29T03:12:00Z."
        )
    if point.at and point.at >= datetime.now(UTC):
        raise errors.Refused(
            f"{target} is not in the past, so nothing can be restored to it. Say when all was well."
        )
    return point
