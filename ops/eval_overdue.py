"""Whether the nights of evaluation still happen: how long each kind has been silent, and which nights are missing.

A job that does not run says nothing, so that somebody else has to look. Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from psycopg import sql
from psycopg.rows import dict_row

from ops import app_settings, database, errors, secrets
from ops.backups import Problem
from ops.eval_settings import Eval
from ops.evals import Frozen
from ops.evidence import Evidence
from ops.project import Environment, Project

_DAY = timedelta(days=1)
# A kind that no schedule has started for so long is not scheduled any more.
_REMEMBERED = timedelta(days=30)
# A re-score of an old window is no night: what counts is up to when records were evaluated.
_LAST = sql.SQL("""
select
    run_type,
    schema_variant,
    max(coalesce(window_end, finished_at)) filter (where finished_at is not null) as evaluated_to,
    max(finished_at) as finished,
    max(started_at) filter (where finished_at is null) as unfinished,
    max(started_at) filter (where triggered_by = 'schedule') as scheduled
from {runs}
group by run_type, schema_variant
order by run_type, schema_variant
""")


class Kind(Frozen):
    """The runs of one type and schema variant: up to when they have evaluated, and when the last one ended."""

    run_type: str
    schema_variant: str
    evaluated_to: datetime | None = None
    finished: datetime | None = None
    unfinished: datetime | None = None
    scheduled: datetime | None = None

    @property
    def name(self) -> str:
        return f"{self.run_type} {self.schema_variant}"


class Silence(Evidence):
    """What is overdue, and how long each kind has been silent."""

    problems: tuple[Problem, ...] = ()


def check(project: Project, environment: Environment, *, now: datetime) -> Silence:
    """Ask the environment's database when each scheduled kind last evaluated, and name what is overdue.

    Raises:
        Refused: the environment has no database, or it says no.
        Unavailable: it does not answer.
        CheckFailed: it has no table of runs.
    """
    if environment.database is None:
        raise errors.Refused(
            f"{environment.name} has no database, so that nobody knows when it was evaluated. Name one in "
            f"[environments.{environment.name}] of runbooks.toml."
        )
    dsn = app_settings.open_reference(environment.database, project.root)
    secrets.remember(dsn)
    with database.connect(dsn, application="eval-watch") as connection:
        return judged(_asked(connection, project.eval), project.eval, now=now)


def judged(found: Iterable[Kind], settings: Eval, *, now: datetime) -> Silence:
    """Say which of these kinds is overdue; the configured one is also where it has never run."""
    own = Kind(run_type=settings.run_type, schema_variant=settings.schema_variant)
    by_name = {own.name: own} | {each.name: each for each in found}
    watched = [each for each in by_name.values() if each.name == own.name or _scheduled(each, now=now)]
    problems = tuple(
        _problem(each, settings, now=now) for each in watched if _is_overdue(each, settings, now=now)
    )
    said = " ".join(each.said for each in problems) or f"No night is missing: {_well(watched, now=now)}."
    return Silence(
        ok=not problems,
        summary=said,
        rows=tuple(_row(each, settings, now=now) for each in watched),
        problems=problems,
    )


def missed(kind: Kind, settings: Eval, *, now: datetime) -> tuple[datetime, ...]:
    """Return when the nights should have been that are missing since the last one, as far as they are overdue."""
    if kind.evaluated_to is None:
        return ()
    every = min(_DAY, settings.most_silence)
    slack = settings.most_silence - every
    late = now - kind.evaluated_to - slack
    count = max(0, -(-late // every) - 1)
    return tuple(kind.evaluated_to + every * number for number in range(1, count + 1))


def _asked(connection: database.Connection, settings: Eval) -> list[Kind]:
    text = _LAST.format(runs=sql.Identifier(*settings.runs.split(".")))
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        return [Kind.model_validate(row) for row in cursor.execute(text).fetchall()]


def _scheduled(kind: Kind, *, now: datetime) -> bool:
    return kind.scheduled is not None and now - kind.scheduled < _REMEMBERED


def _is_overdue(kind: Kind, settings: Eval, *, now: datetime) -> bool:
    return kind.evaluated_to is None or now - kind.evaluated_to > settings.most_silence


def _problem(kind: Kind, settings: Eval, *, now: datetime) -> Problem:
    if kind.evaluated_to is None:
        said = f"No {kind.name} evaluation has ever finished."
    else:
        nights = missed(kind, settings, now=now)
        first = f", the first on {nights[0].astimezone(UTC):%Y-%m-%d}" if nights else ""
        count = f"{len(nights)} night{'s' if len(nights) != 1 else ''} missing{first}"
        said = (
            f"The {kind.name} evaluation is silent for {_told(now - kind.evaluated_to)}, longer than "
            f"{_told(settings.most_silence)}: {count}."
        )
    begun = kind.unfinished
    if begun and (kind.finished is None or begun > kind.finished):
        said += f" A run that began {begun.astimezone(UTC):%Y-%m-%d %H:%M} UTC has not finished."
    todo = "Look whether the schedule of nightly-eval is on and a worker runs, and start it: it goes on by itself."
    return Problem(kind="overdue", object=kind.name, said=said, todo=todo)


def _row(kind: Kind, settings: Eval, *, now: datetime) -> dict[str, object]:
    return {
        "runs": kind.name,
        "evaluated up to": _at(kind.evaluated_to),
        "last finished": _at(kind.finished),
        "silent for": _told(now - kind.evaluated_to) if kind.evaluated_to else "",
        "nights missing": len(missed(kind, settings, now=now)),
        "overdue": _is_overdue(kind, settings, now=now),
    }


def _well(watched: Iterable[Kind], *, now: datetime) -> str:
    ago = ((each.name, each.evaluated_to) for each in watched)
    return ", ".join(f"{name} was evaluated up to {_told(now - to)} ago" for name, to in ago if to)


def _at(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else ""


def _told(length: timedelta) -> str:
    """A length in the largest unit that says enough: a night's age in hours, a week's in days."""
    hours = length / timedelta(hours=1)
    if hours < 2:
        return f"{length // timedelta(minutes=1)} min"
    return f"{hours:.0f} h" if hours < 72 else f"{length.days} days"
