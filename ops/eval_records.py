"""A line of exported records as the record that measures judge, by the mapping of the configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson

from ops import eval_lines, eval_mapping, eval_values
from ops.eval_problems import Problems

LABELS = ("provider", "route_strategy", "prompt_template_version", "environment")
UNKNOWN = "unknown"
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
    provider: str
    route_strategy: str | None
    prompt_template_version: str | None
    environment: str | None
    latency_ms: int | None
    cost_micros: int | None
    publish: Any
    created: datetime | None
    redacted: Any
    problems: Problems


class Reader:
    """Reads records by a mapping of fields to JMESPath; `horizon` is a moment after which no record can be."""

    def __init__(
        self, fields: Mapping[str, str], *, horizon: datetime | None = None, latency_scale: int = 1
    ) -> None:
        self._find = eval_mapping.finders(fields)
        self._horizon = horizon
        self._latency_scale = latency_scale
        self._well: dict[str, set[str]] = {name: set() for name in LABELS}

    def read(self, line: bytes, *, at: int) -> Record:
        """Return the record of a line that stands `at` so many bytes in its file.

        Raises:
            Unreadable: it is no JSON object.
        """
        problems: Problems = []
        found = eval_lines.parse(line, problems)
        output = self._value("output", found, problems)
        content, text = contents(output, problems)
        provider, route, version, environment = (self._label(name, found, problems) for name in LABELS)
        return Record(
            key=self._key(found, line, at, problems),
            output=output,
            content=content,
            text=text,
            provider=provider or UNKNOWN,
            route_strategy=route,
            prompt_template_version=version,
            environment=environment,
            latency_ms=self._latency(found, problems),
            cost_micros=self._cost(found, problems),
            publish=self._value("publish", found, problems),
            created=self._created(found, problems),
            redacted=found.get("_redacted"),
            problems=problems,
        )

    def _value(self, field: str, found: dict[str, Any], problems: Problems) -> Any:
        try:
            return self._find[field](found)
        # Whatever an expression of the project's does with a record that is like no other.
        except Exception:
            problems.append(f"{field}: the expression fails")
            return None

    def _key(self, found: dict[str, Any], line: bytes, at: int, problems: Problems) -> str:
        value = self._value("key", found, problems)
        if type(value) is float:
            value = self._value("key", eval_lines.whole_numbers(line), problems)
        key = eval_values.key(value, problems)
        if key is None:
            problems.append("key: missing")
            return f"sha256:{hashlib.sha256(line.strip()).hexdigest()[:32]}@{at}"
        return key

    def _label(self, field: str, found: dict[str, Any], problems: Problems) -> str | None:
        value = self._value(field, found, problems)
        well = self._well[field]
        if type(value) is str and value in well:
            return value
        before = len(problems)
        label = eval_values.label(value, field, problems)
        if label is None:
            problems.append(f"{field}: {UNKNOWN if field == 'provider' else 'missing'}")
        elif type(value) is str and len(problems) == before and len(well) < _REMEMBERED:
            well.add(value)
        return label

    def _latency(self, found: dict[str, Any], problems: Problems) -> int | None:
        value = self._value("latency_ms", found, problems)
        return eval_values.whole(
            value, "latency_ms", problems, scale=self._latency_scale, most=eval_values.BIGINT
        )

    def _cost(self, found: dict[str, Any], problems: Problems) -> int | None:
        value = self._value("cost_usd", found, problems)
        return eval_values.whole(value, "cost_usd", problems, scale=_MILLIONTHS, most=_MOST_COST)

    def _created(self, found: dict[str, Any], problems: Problems) -> datetime | None:
        value = self._value("created", found, problems)
        created = eval_values.time(value, "created", problems)
        if value is None:
            problems.append("created: missing")
        elif created and self._horizon and created > self._horizon:
            problems.append("created: in the future")
        return created


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
