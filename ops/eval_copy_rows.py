"""Rows of `COPY`, in a CSV that holds JSON as it is: delimiter and quote are control characters, which JSON escapes."""

from __future__ import annotations

from datetime import datetime

from ops import eval_export_fields
from ops.eval_export_source import Record

_DELIMITER, _QUOTE = b"\x02", b"\x01"


def read(row: bytes) -> Record:
    """Return the record of one row: time, key and JSON."""
    row = row[:-1]
    if _QUOTE in row:
        created, key, line = _unquoted(row)
        # Only white space between the parts of JSON breaks a line there.
        line = line.replace(b"\r", b" ").replace(b"\n", b" ")
    else:
        created, key, line = row.split(_DELIMITER, 2)
    return Record(line, _moment(created.decode()), eval_export_fields.text(key.decode()))


def _unquoted(row: bytes) -> tuple[bytes, ...]:
    fields: list[bytes] = []
    at = 0
    while len(fields) < 3:
        if not row.startswith(_QUOTE, at):
            end = row.find(_DELIMITER, at) if len(fields) < 2 else len(row)
            fields.append(row[at:end])
        else:
            end = at + 1
            while row.find(_QUOTE * 2, end) == (found := row.find(_QUOTE, end)):
                end = found + 2
            fields.append(row[at + 1 : found].replace(_QUOTE * 2, _QUOTE))
            end = found + 1
        at = end + 1
    return tuple(fields)


def _moment(written: str) -> datetime | None:
    if "-" in written[1:]:
        return eval_export_fields.moment(written)
    return eval_export_fields.moment(float(written) if "." in written else int(written))
