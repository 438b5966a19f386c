"""Samples as rows of COPY's text format, in the order of `evals.COLUMNS` but `run_id`.

Source: https://www.postgresql.org/docs/current/sql-copy.html, File Formats, Text Format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from ops import eval_values
from ops.eval_records import Labels, Record

NULL = "\\N"
ERRORED = "!"
# The measures that have a column.
COLUMNS = ("schema_valid", "safe", "publish_proxy")
# Which columns of a row stand together: what a tally counts by, then numbers, what is errored, and the moment.
BEFORE, LABELS, AFTER = 3, 4, 4
_ESCAPED = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_UNESCAPED = re.compile(r"\\(.)")
_UNESCAPES = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
_WHOLE = re.compile(r"-?[1-9][0-9]{0,18}|0", re.ASCII)
_BOOLEAN = {1000: "t", 0: "f", None: NULL}
_SHARE: dict[int | None, str] = {number: f"{number // 1000}.{number % 1000:03}" for number in range(1001)}
_SHARE[None] = NULL


def escaped(text: str | None) -> str:
    """Return a text as a field of a row."""
    if text is None:
        return NULL
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text) if _ESCAPED.search(text) else text


def unescaped(field: str) -> str | None:
    """Return the text that a field of a row is."""
    if field == NULL:
        return None
    return _UNESCAPED.sub(lambda found: _UNESCAPES[found[1]], field) if "\\" in field else field


def row(
    record: Record,
    values: Mapping[str, int | None],
    errored: Sequence[str],
    *,
    version: str,
    linked: bool,
) -> str:
    """Return a sample; `linked` says that its key is the number of a row of the source's table."""
    key = record.key
    example = key if linked and _WHOLE.fullmatch(key) and abs(int(key)) <= eval_values.BIGINT else NULL
    cost = record.cost_micros
    return (
        f"{key if key.isalnum() else escaped(key)}\t{version}\t{example}\t{_labels(record.labels)}\t"
        f"{_BOOLEAN[values.get('schema_valid')]}\t{_BOOLEAN[values.get('safe')]}\t{_SHARE[values.get('publish_proxy')]}\t"
        f"{NULL if record.latency_ms is None else record.latency_ms}\t"
        f"{NULL if cost is None else f'{cost // 1_000_000}.{cost % 1_000_000:06}'}\t"
        f"{{{','.join(errored)}}}\t{record.created or NULL}"
    )


@lru_cache(maxsize=10_000)
def _labels(labels: Labels) -> str:
    return "\t".join(map(escaped, labels))


def further(measures: Iterable[str]) -> list[str]:
    """Return the measures that have no column, which a tally has nevertheless."""
    return [name for name in measures if name not in COLUMNS]


def more(values: Mapping[str, int | None], errored: Sequence[str], names: Sequence[str]) -> str:
    """Return the field that holds measures without a column, while the rows of a part are on their way."""
    found = {name: NULL if values.get(name) is None else str(values[name]) for name in names}
    return ",".join(ERRORED if name in errored else found[name] for name in names)
