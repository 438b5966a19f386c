"""What stops writes besides rights: the database's own default, the flag of the maintenance page, the jobs of pg_cron.

Each is set in the transaction that takes the rights away, and put back in the one that gives them back.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from ops import cron_jobs, database, queries
from ops.feature_flags import FeatureFlag
from ops.project import Environment, Project
from ops.switch import Mode

_SETTING = sql.SQL("alter database {} set default_transaction_read_only = {}")
_RESET = sql.SQL("alter database {} reset default_transaction_read_only")
Details = dict[str, Any]


def pause(connection: database.Connection, operated: Project, where: Environment) -> Details:
    """Set what is not set yet, in the caller's transaction; return what was there before, as `resume` needs it."""
    return {
        "setting": _read_only(connection),
        "flag": _flag(connection, operated, where),
        "jobs": _jobs(connection) if where.pause.cron else [],
    }


def resume(
    connection: database.Connection, operated: Project, where: Environment, details: Details
) -> list[str]:
    """Put it back, in the caller's transaction; return what could not be, and why."""
    said = _setting_back(connection, details.get("setting") or {})
    said += _flag_back(connection, operated, where, details.get("flag") or {})
    return said + _jobs_back(connection, details.get("jobs") or [])


def _read_only(connection: database.Connection) -> Details:
    ((ours, value, _),) = connection.execute(queries.load("write_pause/setting")).fetchall()
    if not ours or value == "on":
        return {"changed": False, "before": value}
    connection.execute(_SETTING.format(sql.Identifier(connection.info.dbname), sql.Literal("on")))
    return {"changed": True, "before": value}


def _setting_back(connection: database.Connection, details: Details) -> list[str]:
    if not details.get("changed"):
        return []
    name, before = sql.Identifier(connection.info.dbname), details["before"]
    ((_, value, _),) = connection.execute(queries.load("write_pause/setting")).fetchall()
    if value != "on":
        return [
            f"default_transaction_read_only is {value or 'not set'} already: somebody has changed it since"
        ]
    connection.execute(_SETTING.format(name, sql.Literal(before)) if before else _RESET.format(name))
    return []


def _flag(connection: database.Connection, operated: Project, where: Environment) -> Details:
    if where.pause.flag is None:
        return {}
    flag = FeatureFlag(operated.flags, where.name, where.pause.flag)
    flag.open(connection)
    flag.lock(connection)
    state = flag.read(connection)
    before = state[flag.name]["value"]
    if before == where.pause.flag_value:
        return {}
    flag.write(connection, state, {flag.name: {"value": where.pause.flag_value}}, Mode.SWITCH)
    return {"name": where.pause.flag, "before": before, "after": where.pause.flag_value}


def _flag_back(
    connection: database.Connection, operated: Project, where: Environment, details: Details
) -> list[str]:
    if not details:
        return []
    flag = FeatureFlag(operated.flags, where.name, details["name"])
    flag.open(connection)
    flag.lock(connection)
    state = flag.read(connection)
    now = state[flag.name]["value"]
    if now != details["after"]:
        return [
            f"{flag.name} is {now} and not {details['after']}: somebody has changed it since, so it stays"
        ]
    flag.write(connection, state, {flag.name: {"value": details["before"]}}, Mode.PUT_BACK)
    return []


def _jobs(connection: database.Connection) -> list[str]:
    if not cron_jobs.exists(connection, required=False):
        return []
    state = cron_jobs.read(connection)
    return [name for name in cron_jobs.wanted(state) if _altered(connection, state[name]["jobid"], "false")]


def _jobs_back(connection: database.Connection, jobs: list[str]) -> list[str]:
    if not jobs:
        return []
    state = cron_jobs.read(connection)
    said: list[str] = []
    for name in jobs:
        if name not in state:
            said.append(f"{name} is gone, so it does not run again")
        elif state[name]["active"] == "false" and not _altered(connection, state[name]["jobid"], "true"):
            said.append(f"{name} is not this login's to start again")
    return said


def _altered(connection: database.Connection, job: str | None, active: str) -> bool:
    try:
        with connection.transaction():
            connection.execute(queries.load("pause_jobs/alter"), {"job": job, "active": active})
    except psycopg.Error as error:
        if database.is_transient(error.sqlstate):
            raise
        return False
    return True
