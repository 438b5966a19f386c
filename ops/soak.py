"""The soak of a change on staging: looks that are far apart, journaled, and passed when they cover the whole time.

Source: phase2-rollout-and-eval.md, section 1.5. No process waits between two looks.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from pydantic import ConfigDict

from ops import (
    app_settings,
    database,
    errors,
    project,
    secrets,
    soak_look,
    soak_record,
    soak_sources,
)
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.soak_record import Change, Look, Verdict
from ops.soak_record import Soak as Record
from ops.watch_settings import Soak as Settings


class SoakPlan(Evidence):
    """Which environment soaks, by which rules, and whether a new soak is asked for."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    settings: Settings
    anew: bool
    out: Path


class Soaked(Evidence):
    """Where a soak stands; `began`, `ended` and the rest are those of `soak.json`."""

    record: Record | None = None
    told: str = ""
    bundle: str | None = None


class Soaking:
    """A run that takes one look: what it found so far. `over` says that the soak had its verdict before."""

    def __init__(self, plan: SoakPlan, run: str) -> None:
        self.plan = plan
        self.run = run
        self.bundle: Bundle | None = None
        self.concluded: Soaked | None = None
        self.change: Change | None = None
        self.record: Record | None = None
        self.why_anew = ""
        self.over = False
        self.look: Look | None = None
        self.news: list[str] = []
        self._connection: database.Connection | None = None

    @property
    def connection(self) -> database.Connection:
        """The one login of this run, made anew when it was lost."""
        if self._connection is None or self._connection.closed:
            dsn = app_settings.open_reference(self.plan.environment.database or "", self.plan.project.root)
            secrets.remember(dsn)
            self._connection = database.connect(dsn, application=self.run, prepare_threshold=None)
        return self._connection

    def close(self) -> None:
        """Close the login, if there is one."""
        if self._connection is not None:
            self._connection.close()


def plan(path: str, environment: str, *, begin: bool = False) -> SoakPlan:
    """Read the project and say what soaks where; reads files only.

    Raises:
        Refused: the environment has no soak or no database, or nothing would tell of an error.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    settings = where.soak
    if settings is None or not where.database:
        what = "soak" if settings is None else "database"
        raise errors.Refused(
            f"{where.name} has no {what}, so nothing can soak there. Write [environments.{where.name}.soak], and name "
            "its database as a secret."
        )
    for rule, sources in (
        ("SQL errors", soak_sources.of_errors(settings)),
        ("constraint violations", soak_sources.of_violations(settings)),
    ):
        if not sources and not settings.statistics:
            raise errors.Refused(
                f"Nothing on {where.name} would tell of {rule}, so a soak would prove nothing. Name errors_query and "
                "violations_query, logs_url or log_file in its [soak], or allow statistics."
            )
    fields = settings.records.fields if settings.records else ()
    return SoakPlan(
        ok=True,
        summary=f"{operated.name} soaks on {where.name} for {settings.duration}: {', '.join(settings.tables)}."
        f"{'' if fields else f' NOT WATCHED: {soak_look.RECORDS}, since no records are configured.'}",
        rows=(
            {"rule": soak_look.ERRORS, "looked at": _sources(soak_sources.of_errors(settings))},
            {
                "rule": soak_look.RECORDS,
                "looked at": ", ".join(fields) or "NOT WATCHED: no records are configured",
            },
            {
                "rule": soak_look.VIOLATIONS,
                "looked at": f"rows, {_sources(soak_sources.of_violations(settings))}",
            },
        ),
        project=operated,
        environment=where,
        settings=settings,
        anew=begin,
        out=operated.root,
    )


def _sources(named: tuple[str, ...]) -> str:
    return ", ".join(named) or "pg_stat_database alone, which tells that something failed and not what"


@contextmanager
def opened(plan: SoakPlan, run: str) -> Generator[Soaking]:
    """Open a look; the database is first connected to when it is looked at."""
    with closing(Soaking(plan, run)) as soaking:
        yield soaking


def look(soaking: Soaking) -> Evidence:
    """Take one look at the acceptance rules, unless the soak has its verdict.

    Raises:
        Unavailable: a source does not answer: nobody has looked, and too long a time without a look begins anew.
        Refused: what should be looked at is not there.
    """
    if soaking.over:
        return Evidence(
            ok=True, idle=True, summary="The soak has its verdict, so nothing is looked at any more."
        )
    before = None if soaking.why_anew else soaking.record
    taken = soak_look.take(soaking.connection, soaking.plan.settings, before)
    if before and (why := _unwatched(soaking, before, taken)):
        # From here on: what was looked at before the gap says nothing about the time after it.
        soaking.why_anew = why
        taken = soak_look.take(soaking.connection, soaking.plan.settings, None)
    soaking.look = taken
    rows = tuple(
        {"rule": rule.name, "is": rule.status, "found": rule.said, "looked at": ", ".join(rule.sources)}
        for rule in taken.rules
    )
    wrong = _wrong(taken)
    said = wrong or f"{len(taken.rules) - len(not_watched(taken))} rules hold"
    told = "; ".join([said, *not_watched(taken)])
    return Evidence(ok=not wrong, summary=f"{soaking.plan.environment.name}: {told}.", rows=rows)


def _unwatched(soaking: Soaking, before: Record, taken: Look) -> str:
    gap = taken.at - before.last_at
    if gap > soaking.plan.settings.most_gap:
        return f"nobody looked for {_spoken(gap)}, and {_spoken(soaking.plan.settings.most_gap)} are allowed"
    if (unknown := taken.having("unknown")) and not taken.having("fails"):
        return unknown[0].said
    return ""


def not_watched(taken: Look) -> list[str]:
    """Return what the runbook asks for and nobody looked at."""
    return [f"{rule.name}: {rule.said}" for rule in taken.having("unwatched")]


def _spoken(time: timedelta) -> str:
    return str(timedelta(seconds=round(time.total_seconds())))


def record(soaking: Soaking) -> Evidence:
    """Write the look down, with the verdict where it brings one: `passed` at the end, `failed` at once."""
    taken, change = soaking.look, soaking.change
    if taken is None or change is None:
        return Evidence(ok=True, idle=True, summary="There is no look to write down.")
    connection = soaking.connection
    if soaking.why_anew:
        _begin(soaking, change, taken)
    else:
        verdict, said = _verdict(soaking, taken)
        if soaking.record and soak_record.add(connection, soaking.record, taken, verdict=verdict, said=said):
            soaking.news += [said] if verdict == "failed" else []
    _mirrored(soaking)
    return Evidence(ok=True, summary=f"Written down: {soaking.record.said if soaking.record else 'nothing'}.")


def _begin(soaking: Soaking, change: Change, taken: Look) -> None:
    connection, plan, before = soaking.connection, soaking.plan, soaking.record
    name, project_name = plan.environment.name, plan.project.name
    if before and soak_record.give_up(connection, before, said=f"ended, since {soaking.why_anew}"):
        _mirrored(soaking)
        soaking.news.append(
            f"the soak of {before.began_at:%Y-%m-%d %H:%M} UTC ended, since {soaking.why_anew}"
        )
    # Rows that break a constraint break it from the first look on.
    wrong = _wrong(taken)
    verdict: Verdict = "failed" if wrong else "soaking"
    said = wrong or f"begun, since {soaking.why_anew}"
    if soak_record.begin(connection, name, project_name, change, taken, verdict=verdict, said=said):
        soaking.news += [wrong] if wrong else []


def _wrong(taken: Look) -> str:
    return "; ".join(f"{rule.name}: {rule.said}" for rule in taken.having("fails"))


def _mirrored(soaking: Soaking) -> None:
    """Read the soak anew and mirror it."""
    plan = soaking.plan
    soaking.record = soak_record.read(soaking.connection, plan.environment.name, plan.project.name)
    if soaking.record:
        soak_record.write_mirror(plan.out, soaking.record)


def _verdict(soaking: Soaking, taken: Look) -> tuple[Verdict, str]:
    settings, begun = soaking.plan.settings, soaking.record
    if wrong := _wrong(taken):
        return "failed", wrong
    lasted = taken.at - begun.began_at if begun else timedelta(0)
    if lasted < settings.duration:
        return "soaking", f"{_spoken(lasted)} of {_spoken(settings.duration)}"
    if lasted < settings.duration + settings.allowed_lateness:
        late = _spoken(settings.allowed_lateness)
        return (
            "soaking",
            f"{_spoken(settings.duration)} are over, and the logs have {late} more to tell of them",
        )
    least = settings.records.least if settings.records else 0
    if (taken.new_records or 0) < least:
        return "soaking", (
            f"{_spoken(lasted)} without a fault, and {taken.new_records} new records of the {least} that there must be"
        )
    held = f"every rule held for {_spoken(lasted)}"
    return "passed", "; ".join([held, *not_watched(taken)])
