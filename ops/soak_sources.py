"""Where SQL errors show on a hosted database: a configured query, a logs API, or the server's own log.

Source: phase2-rollout-and-eval.md, section 1.5. Messages of the server are quoted only where they name objects;
those that may quote a row's values stay where they are.
"""

from __future__ import annotations

from ops import database, errors, queries, secrets, soak_log_file, soak_logs_api
from ops.soak_incident import Incident, Window
from ops.watch_settings import Soak

_MOST = 1000


def of_errors(soak: Soak) -> tuple[str, ...]:
    """Return the sources that tell of SQL errors, by their names."""
    return tuple(name for name in ("errors_query", "logs_url", "log_file") if getattr(soak, name))


def of_logs(soak: Soak) -> tuple[str, ...]:
    """Return the sources of which each line is attributed here, by their names."""
    return tuple(name for name in ("logs_url", "log_file") if getattr(soak, name))


def of_violations(soak: Soak) -> tuple[str, ...]:
    """Return the sources that tell of constraint violations, by their names."""
    return tuple(name for name in ("violations_query", "logs_url", "log_file") if getattr(soak, name))


def check_logging(connection: database.Connection, soak: Soak) -> None:
    """See that the server's log has its errors, and where they happened.

    Raises:
        Refused: a setting keeps them out.
    """
    if not of_logs(soak):
        return
    with database.translating():
        silent = connection.execute(queries.load("soak/logging")).fetchall()
    if silent:
        said = ", ".join(f"{name} = {setting} of {place}" for name, setting, place in silent)
        raise errors.Refused(
            f"The log of this server does not tell all that must be known of an error: {said}. So nothing soaks by "
            "that log. Set log_min_messages to warning and log_error_verbosity to default, or name errors_query alone."
        )


def read(connection: database.Connection, soak: Soak, window: Window) -> list[Incident]:
    """Ask every source that is configured.

    Raises:
        Unavailable: a logs API does not answer, or the log cannot be read: then nobody has looked.
        CheckFailed: a configured query fails.
        Refused: the log is not what can be read.
    """
    found: list[Incident] = []
    if soak.errors_query:
        found += _asked(connection, "errors_query", soak.errors_query, window, violation=False)
    if soak.violations_query:
        found += _asked(connection, "violations_query", soak.violations_query, window, violation=True)
    if soak.logs_url:
        found += soak_logs_api.read(soak, window)
    if soak.log_file:
        found += soak_log_file.read(soak.log_file, window)
    return found


def _asked(
    connection: database.Connection, name: str, text: str, window: Window, *, violation: bool
) -> list[Incident]:
    values = {"since": window.since, "until": window.until, "tables": list(window.tables)}
    with database.translating(), connection.transaction():
        rows = connection.execute(text.encode(), values, prepare=False).fetchmany(_MOST)
    return [Incident(name, secrets.redact(str(row[0]))[:200], violation) for row in rows]
