"""The server's own log, as JSON or CSV: which statements failed, and by which error."""

from __future__ import annotations

import csv
import glob
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, cast

from ops import errors, soak_incident
from ops.soak_incident import Incident, Window
from ops.soak_paths import Failed

_SOURCE = "log_file"
# The columns of the CSV that are read, by the names that the JSON has for the same.
_COLUMNS = {
    "timestamp": 0,
    "dbname": 2,
    "error_severity": 11,
    "state_code": 12,
    "message": 13,
    "internal_query": 16,
    "context": 18,
    "statement": 19,
    "backend_type": 23,
}
# As PostgreSQL 15 and later have it; a line that is being written may have fewer.
_WIDTH = 26
_BEING_WRITTEN = "unexpected end of data"
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})?) (\S+)")
Row = Mapping[str, Any]


def read(pattern: str, window: Window) -> Iterator[Incident]:
    """Read the logs that have lines of this time.

    Raises:
        Unavailable: there is none, or it cannot be read: then nobody has looked.
        Refused: it is neither JSON nor CSV, or its times are of no known zone.
    """
    paths = [Path(name) for name in sorted(glob.glob(pattern))]  # noqa: PTH207  # absolute patterns as well
    if not paths:
        raise errors.Unavailable(f"There is no log {pattern}, so nobody knows which statements failed.")
    for path in paths:
        try:
            if path.stat().st_mtime < window.since.timestamp():
                continue
            with path.open(encoding="utf-8", errors="replace", newline="") as lines:
                yield from _of_file(path, lines, window)
        except OSError as error:
            raise errors.Unavailable(f"The log {path} cannot be read: {error.strerror}.") from None


def _of_file(path: Path, lines: TextIO, window: Window) -> Iterator[Incident]:
    first = lines.read(1)
    lines.seek(0)
    unread = Incident(_SOURCE, f"a line of {path.name} cannot be read", violation=False, kind="unattributed")
    torn = any_read = False
    for row in _json(lines) if first == "{" else _csv(lines):
        at = _time(str(row.get("timestamp", ""))) if row else None
        if row is None or at is None:
            torn = True
            continue
        if torn and at >= window.since:
            # It was written before this line, and perhaps after what was looked at before.
            yield unread
        torn, any_read = False, True
        wrong = row.get("error_severity") in soak_incident.WRONG
        if wrong and window.holds(at) and (row.get("dbname") or window.database) == window.database:
            yield from soak_incident.of(_SOURCE, _failed(row), window)
    if torn and not any_read:
        raise errors.Refused(
            f"The log {path} is neither the server's JSON log nor its CSV log, so nobody knows what failed. "
            "Set log_destination = 'jsonlog' on the server, and name the .json files as log_file."
        )
    if torn:
        yield unread


def _json(lines: TextIO) -> Iterator[Row | None]:
    """Yield each line, `None` for one that is broken; one that the server is writing is left for the next look."""
    for line in lines:
        try:
            row: Any = json.loads(line)
        except ValueError:
            if line.endswith("\n"):
                yield None
            continue
        yield cast("Row", row) if isinstance(row, dict) else None


def _csv(lines: TextIO) -> Iterator[Row | None]:
    """Yield each record, as `_json` does; one may be of many lines."""
    # A statement may be longer than what the module takes by default.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    whole = True

    def told() -> Iterator[str]:
        nonlocal whole
        for line in lines:
            whole = line.endswith("\n")
            yield line

    records = csv.reader(told(), strict=True)
    while True:
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            if str(error) == _BEING_WRITTEN:
                return
            yield None
            continue
        if len(record) >= _WIDTH:
            yield {name: record[column] for name, column in _COLUMNS.items()}
        elif whole:
            yield None


def _failed(row: Row) -> Failed:
    def told(name: str) -> str:
        return str(row.get(name) or "")

    return Failed(
        severity=told("error_severity"),
        state=told("state_code"),
        message=told("message"),
        statement=told("statement"),
        internal_query=told("internal_query"),
        context=told("context"),
        backend=told("backend_type"),
    )


def _time(text: str) -> datetime | None:
    stamp = _STAMP.fullmatch(text)
    if stamp is None:
        return None
    if stamp[2] not in ("UTC", "GMT"):
        raise errors.Refused(
            "The server's log has its times in a zone that cannot be told apart by its short name. Set log_timezone = "
            "'UTC' on the server."
        )
    return datetime.fromisoformat(stamp[1]).replace(tzinfo=UTC)
