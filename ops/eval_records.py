"""A line of exported records as the record that measures judge, by the mapping of the configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson

from ops import eval_lines, eval_mapping, eval_values
from ops.eval_problems import Problems

LABELS = ("provider", "route_strategy", "prompt_template_version", "environment")
UNKNOWN = "unknown"
Labels = tuple[str, str | None, str | None, str | None]
# Where the export tells a record apart whose key it has redacted, and which stands deep inside.
SHOWN_KEY = "_key"
_FIELDS = ("key", "output", "created", "latency_ms", "cost_usd", "publish", *LABELS)
_MILLIONTHS = 1_000_000
_MOST_COST = 999_999_999_999
# Labels repeat: so many that are well are remembered.
_REMEMBERED = 10_000


@dataclass(slots=True)
class Record:
    """One record; `content` is the output with the JSON that its text holds, `text` all texts in it."""

    key: str
    output: Any
    content: Any
    text: str
    labels: Labels
    latency_ms: int | None
    cost_micros: int | None
    publish: Any
    created: str | None
    redacted: Any
    problems: Problems

    @property
    def names(self) -> str:
        """The names of all fields within, where something was taken out of the record: that may have been one."""
        return _names(self.content) if self.redacted else ""

    @property
    def provider(self) -> str:
        return self.labels[0] or UNKNOWN

    @property
    def route_strategy(self) -> str | None:
        return self.labels[1]

    @property
    def prompt_template_version(self) -> str | None:
        return self.labels[2]

    @property
    def environment(self) -> str | None:
        return self.labels[3]


class Reader:
    """Reads records by a mapping of fields to JMESPath; `horizon` is a moment after which no record can be."""

    def __init__(
        self, fields: Mapping[str, str], *, horizon: datetime | None = None, latency_scale: int = 1
    ) -> None:
        self._find = eval_mapping.finders(fields)
        names = [eval_mapping.name(fields[field]) for field in _FIELDS]
        self._names = [name for name in names if name is not None] if None not in names else None
        self._horizon = horizon
        self._latency_scale = latency_scale
        self._known: dict[tuple[Any, ...], tuple[Labels, Problems]] = {}

    def read(self, line: bytes, *, at: int) -> Record:
        """Return the record of a line that stands `at` so many bytes in its file.

        Raises:
            Unreadable: it is no JSON object.
        """
        problems: Problems = []
        found = eval_lines.parse(line, problems)
        key, output, created, latency, cost, publish, *labels = self._values(found, problems)
        content, text = contents(output, problems)
        return Record(
            key=self._key(found.get(SHOWN_KEY, key) if self._names is None else key, line, at, problems),
            output=output,
            content=content,
            text=text,
            labels=self._labels(tuple(labels), problems),
            latency_ms=eval_values.whole(
                latency, "latency_ms", problems, scale=self._latency_scale, most=eval_values.BIGINT
            ),
            cost_micros=eval_values.whole(cost, "cost_usd", problems, scale=_MILLIONTHS, most=_MOST_COST),
            publish=publish,
            created=self._created(created, problems),
            redacted=found.get("_redacted"),
            problems=problems,
        )

    def _values(self, found: dict[str, Any], problems: Problems) -> list[Any]:
        if self._names is not None:
            return [found.get(name) for name in self._names]
        return [self._value(field, found, problems) for field in _FIELDS]

    def _value(self, field: str, found: dict[str, Any], problems: Problems) -> Any:
        try:
            return self._find[field](found)
        # Whatever an expression of the project's does with a record that is like no other.
        except Exception:
            problems.append(f"{field}: the expression fails")
            return None

    def _key(self, value: Any, line: bytes, at: int, problems: Problems) -> str:
        if type(value) is float:
            # Exact where that can be read; a record that is too deep for that keeps what was read first.
            with suppress(ValueError, RecursionError):
                value = self._value("key", eval_lines.whole_numbers(line), problems)
        key = eval_values.key(value, problems)
        if key is None:
            problems.append("key: missing")
            return f"sha256:{hashlib.sha256(line.strip()).hexdigest()[:32]}@{at}"
        return key

    def _labels(self, values: tuple[Any, ...], problems: Problems) -> Labels:
        try:
            known = self._known.get(values)
        except TypeError:
            return _labelled(values, problems)
        if known is None:
            own: Problems = []
            known = _labelled(values, own), own
            # A number may be equal to a truth value, and means something else.
            if len(self._known) < _REMEMBERED and all(
                value is None or type(value) is str for value in values
            ):
                self._known[values] = known
        problems += known[1]
        return known[0]

    def _created(self, value: Any, problems: Problems) -> str | None:
        created = eval_values.time(value, "created", problems)
        if created is None:
            if value is None or value == "":
                problems.append("created: missing")
            return None
        if self._horizon and created > self._horizon:
            problems.append("created: in the future")
        # As Postgres writes it; to write it anew takes as long as to read it.
        same = (
            type(value) is str and value[10:11] == "T" and value.endswith("+00:00") and len(value) in (25, 32)
        )
        return value if same else created.isoformat()


def _labelled(values: tuple[Any, ...], problems: Problems) -> Labels:
    found = [eval_values.label(value, field, problems) for field, value in zip(LABELS, values, strict=True)]
    for field, label in zip(LABELS, found, strict=True):
        if label is None:
            problems.append(f"{field}: {UNKNOWN if field == 'provider' else 'missing'}")
    return found[0] or UNKNOWN, found[1], found[2], found[3]


def contents(output: Any, problems: Problems) -> tuple[Any, str]:
    """Return what an output holds, and all texts in it as one; of an array of texts they are joined by lines."""
    if isinstance(output, list) and output and all(type(part) is str for part in cast("list[Any]", output)):
        problems.append("output: array for text")
        output = "\n".join(cast("list[str]", output))
    if output is None:
        problems.append("output: missing")
        return None, ""
    content = _within(output) if isinstance(output, str) else cast("Any", output)
    return content, content if isinstance(content, str) else _texts(content)


def _within(text: str) -> Any:
    """Return the JSON that a text is, bare or in a fence of Markdown; else the text."""
    inner = text.strip()
    if inner.startswith("```") and inner.endswith("```") and "\n" in inner:
        inner = inner[inner.index("\n") : -3].strip()
    if inner[:1] not in ("{", "["):
        return text
    try:
        return orjson.loads(inner)
    except orjson.JSONDecodeError:
        return text


def _texts(content: Any) -> str:
    """Return the texts and numbers within, without recursion, since they may be nested very deep."""
    found: list[str] = []
    if isinstance(content, dict):
        values = cast("dict[str, Any]", content).values()
        if all(type(value) is str for value in values):
            return "\n".join(values)
    rest: list[Any] = [content]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            rest.extend(reversed(cast("dict[str, Any]", value).values()))
        elif isinstance(value, list):
            rest.extend(reversed(cast("list[Any]", value)))
        elif value is not None and not isinstance(value, bool):
            found.append(str(value))
    return "\n".join(found)


def _names(content: Any) -> str:
    """Return the names of fields within, without recursion."""
    found: list[str] = []
    rest: list[Any] = [content]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            found.extend(fields)
            rest.extend(fields.values())
        elif isinstance(value, list):
            rest.extend(cast("list[Any]", value))
    return "\n".join(found)
