"""Where key and time stand in a record, and of which table and columns."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import jmespath
import jmespath.exceptions
import msgspec

from ops import errors, eval_times

_PART = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{}]', re.DOTALL)
_NAME = re.compile(r"[^\W\d]\w*")


def column(expression: str, *, of: str) -> str:
    """Return the name of a column.

    Raises:
        Refused: the expression is more than a name, which a database is not asked for.
    """
    if _NAME.fullmatch(expression) and len(expression.encode()) <= 63:
        return expression
    raise errors.Refused(
        f"[eval.fields] {of} is {expression!r}, and a database is asked by the name of a column, so nothing can be "
        "exported. Name the column, or export to JSONL files and use kind `file`."
    )


def table(name: str) -> tuple[str, str]:
    """Return schema and name of a table.

    Raises:
        Refused: it is no `schema.table`.
    """
    parts = name.split(".")
    if len(parts) <= 2 and all(_NAME.fullmatch(part) and len(part.encode()) <= 63 for part in parts):
        return (parts[0], parts[1]) if len(parts) == 2 else ("public", parts[0])
    raise errors.Refused(
        f"[eval] table is {name!r}, which names no table, so nothing can be exported. Write schema.table."
    )


class Picked:
    """Picks key and time from a record, by JMESPath."""

    def __init__(self, key: str, created: str) -> None:
        self._key, self._created = _getter(key, "key"), _getter(created, "created")

    def of(self, record: object) -> tuple[datetime | None, str | None]:
        """Return when a record was made and its key, each if it is there."""
        if not isinstance(record, dict):
            return None, None
        values = cast("dict[str, Any]", record)
        return moment(self._created(values)), text(self._key(values))


def loaded(line: bytes) -> object:
    """Return what a line of JSON says; nothing where it is none."""
    try:
        return msgspec.json.decode(line)
    except (ValueError, RecursionError):
        pass
    try:
        # It also takes half a character, NaN, and bytes that are no text.
        return json.loads(line.decode("utf-8", "surrogateescape"), strict=False)
    except (ValueError, RecursionError):
        return _shallow(line)


def text(value: object) -> str | None:
    """Return a key as text that every file and database takes."""
    if type(value) is int:
        return str(value)
    if value is None or isinstance(value, bool | dict | list):
        return None
    written = value if isinstance(value, str) else str(value)
    try:
        written.encode()
    except UnicodeEncodeError:
        return digest(written.encode("utf-8", "surrogatepass"))
    return digest(written.encode()) if "\0" in written else written


def digest(data: bytes) -> str:
    """Return what stands for a key that is none, or is not to be shown."""
    return f"sha256:{hashlib.sha256(data).hexdigest()[:32]}"


def moment(value: object) -> datetime | None:
    """Return a time in UTC, as the evaluation reads it; nothing where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return eval_times.read(value)
    except (ValueError, OverflowError):
        return None


def _shallow(line: bytes) -> object:
    """Return the fields of a record without what is nested in them, which may be too deep to be read."""
    parts: list[bytes] = []
    depth = end = 0
    for match in _PART.finditer(line):
        if match[0] in (b"{", b"["):
            if depth == 1:
                parts.append(line[end : match.start()])
            depth += 1
        elif match[0] in (b"}", b"]"):
            depth -= 1
            if depth == 1:
                parts.append(b"null")
                end = match.end()
    try:
        return msgspec.json.decode(b"".join((*parts, line[end:])))
    except (ValueError, RecursionError):
        return None


def _getter(expression: str, of: str) -> Callable[[dict[str, Any]], object]:
    if _NAME.fullmatch(expression):
        return lambda record: record.get(expression)
    try:
        compiled = jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        said = " ".join(str(error).split())
        raise errors.Refused(
            f"[eval.fields] {of} is no JMESPath ({said}), so no record can be read. Mend it."
        ) from None

    def search(record: dict[str, Any]) -> object:
        try:
            return compiled.search(record)
        except jmespath.exceptions.JMESPathError:
            return None

    return search
