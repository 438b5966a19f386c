"""A restore drill: what is restored, to where, what it must then have, and what came of it so far.

Source: supabase-operations.md, the quarterly restore drill.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from ops import app_settings, backup_source, errors, project, recovery_target, secrets
from ops.backup_settings import Backups
from ops.backups import Backup, Holdings, Point, Problem, Progress, Restored, Source, Timings
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.recovery_target import RecoveryTarget
from ops.reference import Reference


class DrillChoices(BaseModel):
    """What may be chosen of a drill; the form in the Prefect UI is made from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    target: str = Field(
        default="latest",
        description="latest, a time with its zone, lsn:0/3000060, or name:RESTORE_POINT",
    )
    backup: str = Field(default="", description="name of a backup; default: the last one before the target")


class DrillPlan(Evidence):
    """Which environment's backups are drilled, and to where they are recovered."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    settings: Backups
    source: Source = Field(exclude=True)
    target: RecoveryTarget
    backup: str
    out: Path


class Drilled(Evidence):
    """How a drill ended; times are seconds, `rpo` the measured loss, `rto` the measured time to the first answer."""

    verdict: str
    started: str
    ended: str
    backup: str = ""
    target: str
    rpo: float | None = None
    rto: float | None = None
    took: float | None = Field(default=None, description="without fsync the time that is no RTO")
    counts: dict[str, int] = Field(
        default_factory=dict, description="rows of the critical tables at the target"
    )
    timings: Timings | None = None
    problems: tuple[Problem, ...] = ()
    bundle: str | None = None


class Drilling:
    """A drill while it runs."""

    def __init__(self, plan: DrillPlan, run: str) -> None:
        self.plan = plan
        self.run = run
        self.started = datetime.now(UTC)
        self.ends = ExitStack()
        self.bundle: Bundle | None = None
        self.concluded: Drilled | None = None
        self.progress: Progress = lambda _done, _whole, _what: None
        self.holdings: Holdings | None = None
        self.backup: Backup | None = None
        self.point: Point | None = None
        self.reference: Reference | None = None
        self.beats_since: datetime | None = None
        self.compared: tuple[Problem, ...] | None = None
        self.restored: Restored | None = None
        self.acted_at = 0.0
        self.looked = timedelta(0)
        self.answered = False
        self.timings: Timings | None = None
        self.rpo: timedelta | None = None
        self.counts: dict[str, int] = {}
        self.found: dict[str, tuple[Problem, ...]] = {}
        self.said: list[str] = []

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong, each once, in the order in which it was found."""
        return tuple(dict.fromkeys(each for found in self.found.values() for each in found))

    @property
    def took(self) -> timedelta | None:
        """From the start of the act to the first smoke query that passed; None where none has."""
        return self.timings.whole if self.timings and self.answered else None

    @property
    def is_flushed(self) -> bool:
        """Whether what is restored is written to the disk, without which no time is an RTO."""
        return self.plan.settings.drill.fsync or self.plan.source.kind == "api"

    @property
    def rto(self) -> timedelta | None:
        """That time, where it is an RTO."""
        return self.took if self.is_flushed else None

    @property
    def dsn(self) -> str | None:
        """The URL of production, where the environment names one."""
        reference = self.plan.environment.database
        if reference is None:
            return None
        dsn = app_settings.open_reference(reference, self.plan.project.root)
        secrets.remember(dsn)
        return dsn

    def note(self, key: str, problems: tuple[Problem, ...], passed: str) -> Evidence:
        """Keep what a step found wrong, and return it as evidence; `passed` is what to say where nothing is."""
        self.found[key] = problems
        blocking = [each for each in problems if each.blocks]
        said = " ".join(each.said for each in problems[:3]) or passed
        more = f" And {len(problems) - 3} more." if len(problems) > 3 else ""
        return Evidence(ok=not blocking, summary=f"{said}{more}", rows=rows(problems))

    def close(self) -> None:
        """Take the restored cluster away."""
        self.restored = None
        self.ends.close()


Look = Callable[[Drilling], Evidence]


def reading(key: str) -> Callable[[Look], Look]:
    """Let a look that the restored database does not bear be a finding, so that the others are made too."""

    def made(look: Look) -> Look:
        @wraps(look)
        def looked(drilling: Drilling) -> Evidence:
            try:
                return look(drilling)
            except errors.CheckFailed as error:
                return drilling.note(key, (unreadable(key, error),), "")

        return looked

    return made


def unreadable(what: str, error: errors.OpsError) -> Problem:
    """Return what it means that a look at the restored database ended with an error."""
    said = f"The restored database cannot be read: {error}."
    todo = "Do not rely on this backup. Find out what damaged it, and take another one."
    return Problem(kind="unreadable", object=what, said=said, todo=todo)


def rows(problems: tuple[Problem, ...]) -> tuple[dict[str, str], ...]:
    """Return a row of a table of evidence for each problem."""
    return tuple(
        {"what": each.kind, "where": each.object, "said": each.said, "to do": each.todo} for each in problems
    )


def plan(path: str, environment: str, choices: DrillChoices) -> DrillPlan:
    """Say what is to be restored; reads files only.

    Raises:
        Refused: the project or the environment has a mistake, no backups, or the target is none.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    settings = where.backups
    if settings is None:
        raise errors.Refused(
            f"{where.name} of {operated.name} has no source of backups, so there is nothing to restore. "
            f"Name one in [environments.{where.name}.backups]."
        )
    target = recovery_target.read(choices.target)
    return DrillPlan(
        ok=True,
        summary=f"{operated.name}: the backups of {where.name} are restored to {target}.",
        project=operated,
        environment=where,
        settings=settings,
        source=backup_source.source(operated, where),
        target=target,
        backup=choices.backup.strip(),
        out=operated.root,
    )


@contextmanager
def opened(plan: DrillPlan, run: str) -> Generator[Drilling]:
    """Open a drill; what it restored is taken away when the block ends, whatever ended it."""
    drilling = Drilling(plan, run)
    try:
        yield drilling
    finally:
        drilling.close()
