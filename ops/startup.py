"""Whether the app answers and has started: a health URL, a query, a log.

Source: database-pipeline.md, "Post-Deployment Verification".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import tenacity

from ops import ai_path, database, errors, log_stamp, secrets
from ops.evidence import Evidence
from ops.project import Environment
from ops.startup_settings import Startup

Said = tuple[bool, str]
_TIMEOUT = 15.0


def check(connection: database.Connection, where: Environment, *, since: datetime) -> Evidence:
    """Ask the environment's health URL, start-up query and log, again until its patience is over.

    The query is given when the promotion began, and returns a row once the app has started since; of the log only lines
    since then count. Where nothing is configured nothing is known, which is said.
    """
    asked = _asked(connection, where, since)
    patience = tenacity.stop_after_delay(where.startup.within.total_seconds())
    rows: list[dict[str, object]] = []
    for name, ask in asked.items():
        ok, said = _patiently(ask, patience)
        rows.append({"asked": name, "ok": ok, "said": said})
    if not rows:
        return Evidence(
            ok=True,
            summary="Whether the app works is not known: the environment has no health_url and nothing in `startup`.",
            idle=True,
        )
    wrong = [row for row in rows if not row["ok"]]
    said = "; ".join(f"{row['asked']} {row['said']}" for row in (wrong or rows))
    return Evidence(
        ok=not wrong, summary=f"The app {'is not well' if wrong else 'works'}: {said}.", rows=tuple(rows)
    )


def _asked(
    connection: database.Connection, where: Environment, since: datetime
) -> dict[str, Callable[[], Said]]:
    asked: dict[str, Callable[[], Said]] = {}
    if url := where.health_url:
        asked["the health URL"] = lambda: _healthy(url)
    if query := where.startup.query:
        asked["the start-up query"] = lambda: _queried(connection, query, since)
    if log := where.startup.log_url:
        asked["the log"] = lambda: _logged(log, where.startup, since)
    return asked


def _patiently(ask: Callable[[], Said], patience: tenacity.stop_after_delay) -> Said:
    again = tenacity.Retrying(
        stop=patience,
        wait=tenacity.wait_fixed(0.5),
        retry=tenacity.retry_if_result(_is_not_yet),
        retry_error_callback=lambda state: (
            state.outcome.result() if state.outcome else (False, "was not asked")
        ),
    )
    return again(ask)


def _is_not_yet(said: Said) -> bool:
    return not said[0]


def _healthy(url: str) -> Said:
    ok, answer = ai_path.answers(url)
    return ok, f"answers {answer}"


def _queried(connection: database.Connection, query: str, since: datetime) -> Said:
    values = {"since": since} if "%(since)s" in query else None
    try:
        with database.translating(), connection.transaction(force_rollback=True):
            connection.execute("set transaction read only")
            found = connection.execute(query.encode(), values).fetchone()
    except errors.OpsError as error:
        return False, f"could not be asked: {error}"
    return found is not None, "returns a row" if found else "returns no row: the app has not started since"


def _logged(reference: str, startup: Startup, since: datetime) -> Said:
    try:
        answer = httpx.get(secrets.open_secret(reference), timeout=_TIMEOUT, follow_redirects=True)
    except errors.Refused as error:
        return False, str(error)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return False, f"was not reached ({type(error).__name__})"
    if not answer.is_success:
        return False, f"answers {answer.status_code}"
    return _told(answer.text, startup, since)


def _told(log: str, startup: Startup, since: datetime) -> Said:
    """Look for the line that tells of the start: only what is stamped since the promotion began can be of it.

    A line without a stamp of its own, such as the second of two that were written at once, is as old as the one before.
    """
    says, at, stamped = startup.log_says, None, False
    before: list[datetime | None] = []
    for line in log.splitlines():
        own = log_stamp.read(line, startup.log_timezone)
        at, stamped = own or at, stamped or own is not None
        if says in line:
            if at and at >= since:
                return True, f"says {says!r} at {_spoken(at)}"
            before.append(at)
    if before and not stamped:
        return False, (
            f"says {says!r}, and no line has a time with its zone, so nobody knows whether that was before the "
            "promotion. Have the app write the time into its log, say log_timezone in `startup` if only the zone is "
            "missing, or name a query instead"
        )
    if before:
        last = max((each for each in before if each), default=None)
        when = f", last at {_spoken(last)}" if last else ""
        return False, (
            f"says {says!r} only from before the promotion began at {_spoken(since)}{when}: the app has not "
            "started since"
        )
    return False, f"does not say {says!r}"


def _spoken(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
