"""The server's own log: lines of errors from its files in JSON; `logs_api` asks an API for the same."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops import errors

_WRONG = ("ERROR", "FATAL", "PANIC")


@dataclass(frozen=True, slots=True)
class Line:
    """One error: its SQLSTATE, what the server said of it, and the statement, each empty where it is not known.

    `counted` says that the source has only told how many there were. `at` is None where the source does not tell.
    """

    source: str
    state: str = ""
    message: str = ""
    statement: str = ""
    role: str = ""
    at: datetime | None = None
    counted: int | None = None


def of_files(pattern: str, *, database: str, since: datetime, until: datetime) -> Iterator[Line]:
    """Yield the errors that the server's files have of a database between two times; `pattern` may be a glob.

    Raises:
        Unavailable: there is no file, or it cannot be read: then nobody knows.
        Refused: its times are in a zone that cannot be told.
    """
    paths = [Path(name) for name in sorted(glob.glob(pattern))]  # noqa: PTH207  # absolute patterns as well
    if not paths:
        raise errors.Unavailable(f"There is no log {pattern}, so nobody knows which statements failed.")
    for path in paths:
        try:
            if path.stat().st_mtime < since.timestamp():
                continue
            with path.open(encoding="utf-8", errors="replace") as lines:
                for text in lines:
                    line = _read(text, database)
                    if line and line.at and since <= line.at <= until:
                        yield line
        except OSError as error:
            raise errors.Unavailable(f"The log {path} cannot be read: {error.strerror}.") from None


def _read(text: str, database: str) -> Line | None:
    try:
        row: dict[str, Any] = json.loads(text)
    except ValueError:
        # The server may be writing this very line; the windows overlap, so that the next look has it whole.
        return None
    at = _time(str(row.get("timestamp", "")))
    if row.get("error_severity") not in _WRONG or row.get("dbname") not in (database, None):
        return None
    message, statement = str(row.get("message") or ""), str(row.get("statement") or "")
    return Line(
        "log_file", str(row.get("state_code") or ""), message, statement, str(row.get("user") or ""), at
    )


def _time(text: str) -> datetime:
    moment, _, zone = text.rpartition(" ")
    if zone not in ("UTC", "GMT"):
        raise errors.Refused(
            "The server's log has its times in a zone that cannot be told apart by its short name. Set log_timezone = "
            "'UTC' on the server."
        )
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)
