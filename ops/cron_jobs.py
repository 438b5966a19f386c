"""The jobs that pg_cron runs in the operated database, paused and resumed by its own function.

What a job does is not read: its command may hold a key.
"""

from __future__ import annotations

from ops import database, errors, queries
from ops.kept_state import State, Values


def exists(connection: database.Connection, *, required: bool) -> bool:
    """Say whether the database has pg_cron.

    Raises:
        Refused: it has not, and it is `required`.
    """
    ((there,),) = connection.execute(queries.load("pause_jobs/exists")).fetchall()
    if required and not there:
        raise errors.Refused(
            "This database has no pg_cron (there is no table cron.job), so it has no jobs to pause. "
            "Choose cron = false."
        )
    return there


def read(connection: database.Connection) -> State:
    """Return the jobs of this database that this login may see."""
    found = connection.execute(queries.load("pause_jobs/jobs")).fetchall()
    return {
        f"job {number}{f' ({name})' if name else ''}": {
            "jobid": str(number),
            "schedule": schedule,
            "active": active,
        }
        for number, name, schedule, active in found
    }


def wanted(state: State) -> State:
    """Return the jobs that are to be paused."""
    off: Values = {"active": "false"}
    return {name: off for name, job in state.items() if "jobid" in job and job["active"] != "false"}


def write(connection: database.Connection, state: State, wanted: State) -> None:
    """Pause or resume jobs."""
    for name, values in wanted.items():
        connection.execute(
            queries.load("pause_jobs/alter"), {"job": state[name]["jobid"], "active": values["active"]}
        )
