"""A night of evaluation: what it is about, and what its steps have found so far.

Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from pydantic import ConfigDict, Field, model_validator

from ops import app_settings, database, errors, project, secrets
from ops.bundle import Bundle
from ops.eval_settings import EvalSource, RunType
from ops.evals import Evaluated, Evaluation, Export, Ingested, Judged, Report
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.settings import Strict

FOLDER = Path("artifacts", "evals")
_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


class EvalChoices(Strict):
    """What may be chosen for one run; without any it goes on from the last one, as the schedule does.

    A window of its own (`days`, or `since` and `until`) leaves the watermark where it is; the same window again is a
    re-score, which makes a new version and keeps the old.
    """

    days: int | None = Field(default=None, ge=1, le=366, description="the last so many days, up to now")
    since: datetime | None = Field(default=None, description="from this moment on, with its time zone")
    until: datetime | None = Field(default=None, description="before this moment, with its time zone")
    limit: int | None = Field(default=None, ge=1, description="at most so many records")
    run_type: RunType | None = Field(default=None, description="default: that of runbooks.toml")
    schema_variant: str | None = Field(
        default=None, description="which JSON Schemas the outputs must fit; default: that of runbooks.toml"
    )
    triggered_by: str = Field(default="schedule", description="who or what asked, kept with the run")

    @model_validator(mode="after")
    def _one_window(self) -> EvalChoices:
        if (self.since is None) != (self.until is None):
            raise ValueError("since and until belong together")
        if self.since and self.until:
            if self.days is not None:
                raise ValueError("days, or since and until, not both")
            if self.since.tzinfo is None or self.until.tzinfo is None:
                raise ValueError("since and until need a time zone, such as 2026-02-15T00:00:00Z")
            if self.since >= self.until:
                raise ValueError("since is before until")
        return self


class EvalPlan(Evidence):
    """What is evaluated, from where, and where its files go."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    source: EvalSource
    choices: EvalChoices
    run_type: RunType
    schema_variant: str
    limit: int
    out: Path
    given: tuple[Path, ...] = Field(default=(), description="files to read instead of those of the source")

    @property
    def kind(self) -> str:
        """Where the records come from: rest, copy or file."""
        return self.source.kind or ("copy" if self.environment.database else "rest")

    @property
    def folder(self) -> Path:
        """Where the records and samples of the run under way are, so that another attempt goes on from them."""
        return self.out / FOLDER / self.environment.name / f"{self.run_type}-{self.schema_variant}"


class Night:
    """A run that evaluates the records of one environment."""

    def __init__(self, plan: EvalPlan, run: str) -> None:
        self.plan = plan
        self.run = run
        self.started = datetime.now(UTC)
        self.bundle: Bundle | None = None
        self.concluded: Evaluated | None = None
        self.export: Export | None = None
        self.evaluation: Evaluation | None = None
        self.ingested: Ingested | None = None
        self.judged: Judged | None = None
        self.report: Report | None = None
        self.progress: Callable[[int, int, str], None] = lambda _done, _whole, _what: None
        self.locked: BinaryIO | None = None
        self._connection: database.Connection | None = None

    @property
    def connection(self) -> database.Connection:
        """The login to the environment's database, made anew when it was lost.

        Raises:
            Refused: the environment has no database.
            Unavailable: it does not answer.
        """
        if self._connection is None or self._connection.closed:
            self._connection = database.connect(self.dsn, application=self.run)
        return self._connection

    @property
    def dsn(self) -> str:
        where = self.plan.environment
        if where.database is None:
            raise errors.Refused(
                f"{where.name} has no database, so that nothing can be ingested. Name one in "
                f"[environments.{where.name}] of runbooks.toml, or paste eval_run_ingest.sql into the SQL editor."
            )
        dsn = app_settings.open_reference(where.database, self.plan.project.root)
        secrets.remember(dsn)
        return dsn

    def close(self) -> None:
        """Close the login, if there is one, and let go of the working folder."""
        if self._connection is not None:
            self._connection.close()
        if self.locked is not None:
            self.locked.close()


def plan(path: str, environment: str, choices: EvalChoices) -> EvalPlan:
    """Read the project and say what is evaluated; reads files only.

    Raises:
        Refused: the environment says nothing about evaluation, or names no source.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    if where.eval is None:
        raise errors.Refused(
            f"{where.name} says nothing about evaluation, so that there are no records to evaluate. Add "
            f"[environments.{where.name}.eval] to runbooks.toml; an empty one reads from its database."
        )
    settings = operated.eval
    run_type = choices.run_type or settings.run_type
    variant = choices.schema_variant or settings.schema_variant
    return EvalPlan(
        ok=True,
        summary=f"{run_type.capitalize()} evaluation of {operated.name} on {where.name}: {settings.table}, "
        f"schema variant {variant}, {_window_said(choices)}.",
        project=operated,
        environment=where,
        source=where.eval,
        choices=choices,
        run_type=run_type,
        schema_variant=variant,
        limit=choices.limit or settings.limit,
        out=operated.root,
    )


def of_files(path: Path, files: list[Path], *, variant: str | None, out: Path | None) -> EvalPlan:
    """Say how these files are evaluated by the project's settings, whole and without any database.

    Raises:
        Refused: one of them is not there, or the project's settings have a mistake.
    """
    operated = project.load(path)
    if missing := [str(each) for each in files if not each.is_file()]:
        raise errors.Refused(
            f"{', '.join(missing)} is no file, so it cannot be evaluated. Name JSONL files of records."
        )
    settings = operated.eval
    chosen = variant or settings.schema_variant
    return EvalPlan(
        ok=True,
        summary=f"{len(files)} files are evaluated by the settings of {operated.name}, schema variant {chosen}.",
        project=operated,
        environment=Environment(name="files"),
        source=EvalSource(kind="file"),
        given=tuple(each.resolve() for each in files),
        choices=EvalChoices(since=_EVER[0], until=_EVER[1], triggered_by="eval score"),
        run_type="manual",
        schema_variant=chosen,
        limit=settings.limit,
        out=out or operated.root,
    )


@contextmanager
def opened(plan: EvalPlan, run: str) -> Generator[Night]:
    """Open a night; source and database are first asked when it is their turn."""
    with closing(Night(plan, run)) as night:
        yield night


def _window_said(choices: EvalChoices) -> str:
    if choices.since and choices.until:
        return f"from {choices.since.isoformat()} to {choices.until.isoformat()}"
    if choices.days:
        return f"the last {timedelta(days=choices.days).days} days"
    return "on from the last run"
