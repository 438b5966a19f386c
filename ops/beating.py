"""A heartbeat as a run of its own: written where pg_cron does not write it, and read back.

Source: supabase-operations.md, the quarterly restore drill, step 4.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import ConfigDict

from ops import app_settings, database, errors, heartbeat, project, queries, secrets
from ops.evidence import Evidence
from ops.project import Environment, Project

JOB = "runbooks-heartbeat"
# A job that has not beaten for so many times is none.
_MISSED = 3


class BeatPlan(Evidence):
    """Which production beats."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment

    @property
    def every(self) -> timedelta:
        """How often it should beat."""
        backups = self.environment.backups
        return backups.drill.heartbeat if backups else timedelta(minutes=1)

    def connect(self) -> database.Connection:
        """Open a login.

        Raises:
            Refused: the server says no.
            Unavailable: nobody answers.
        """
        dsn = app_settings.open_reference(self.environment.database or "", self.project.root)
        secrets.remember(dsn)
        return database.connect(dsn, application="heartbeat")


class Beaten(Evidence):
    """The last heartbeat that production has."""

    number: int
    at: str


def plan(path: str, environment: str) -> BeatPlan:
    """Say whose heart beats; reads files only.

    Raises:
        Refused: the environment has no database.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    if where.database is None:
        raise errors.Refused(
            f"{where.name} has no database, so nothing can beat there. Name it in runbooks.toml."
        )
    return BeatPlan(
        ok=True, summary=f"{operated.name} beats on {where.name}.", project=operated, environment=where
    )


def beat(plan: BeatPlan) -> Evidence:
    """Write a heartbeat, unless pg_cron has written one just now.

    Raises:
        Refused: the login may not make the table.
        Unavailable: the connection is lost.
    """
    with plan.connect() as connection:
        heartbeat.prepare(connection)
        if _by_cron(connection, plan.every):
            return Evidence(ok=True, idle=True, summary=f"The job {JOB} of pg_cron beats already.")
        written = heartbeat.beat(connection)
    return Evidence(ok=True, summary=f"Heartbeat {written.id} at {written.at:%Y-%m-%d %H:%M:%S}.")


def verify(plan: BeatPlan) -> Beaten:
    """Read the last heartbeat back.

    Raises:
        CheckFailed: there is none.
    """
    with plan.connect() as connection:
        last = heartbeat.last(connection)
    if last is None:
        raise errors.CheckFailed("A heartbeat was written and is not there: somebody takes them away.")
    return Beaten(
        ok=True,
        summary=f"{plan.environment.name} beats: {last.id} at {last.at:%Y-%m-%d %H:%M:%S}.",
        number=last.id,
        at=last.at.isoformat(),
    )


def install(plan: BeatPlan) -> Evidence:
    """Let pg_cron of production write the heartbeat; safe to run twice.

    Raises:
        Refused: there is no pg_cron, or the login may not use it.
    """
    with plan.connect() as connection, database.translating():
        heartbeat.prepare(connection)
        ((there,),) = connection.execute(queries.load("heartbeat/cron_there")).fetchall()
        if not there:
            raise errors.Refused(
                "Production has no pg_cron, so it cannot beat by itself. Switch on the deployment heartbeat instead."
            )
        minutes = max(1, round(plan.every.total_seconds() / 60))
        values = {
            "name": JOB,
            "schedule": f"*/{minutes} * * * *",
            "command": queries.load("heartbeat/beat"),
        }
        connection.execute(queries.load("heartbeat/install"), values)
    return Evidence(ok=True, summary=f"The job {JOB} of pg_cron beats every {minutes} min from now on.")


def _by_cron(connection: database.Connection, every: timedelta) -> bool:
    with database.translating():
        ((there,),) = connection.execute(queries.load("heartbeat/cron_there")).fetchall()
        if not there:
            return False
        jobs = connection.execute(queries.load("heartbeat/cron_job"), {"name": JOB}).fetchall()
    last = heartbeat.last(connection) if jobs else None
    if last is None:
        return False
    ((now,),) = connection.execute("select clock_timestamp()").fetchall()
    return now - last.at < _MISSED * every
