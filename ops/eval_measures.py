"""The measures: what each says of a record, in thousandths.

Adding one is one function under `@measure` here and one test. It returns 0 to 1000, or nothing where there is no
judgement yet; what it raises marks the record as errored for this measure, which is never a pass.

Source: phase2-rollout-and-eval.md, sections 3 and 5 (schema-valid, safety, publish proxy).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ops.eval_problems import Unjudged
from ops.eval_records import Record
from ops.eval_safety import Safety
from ops.eval_schemas import Schemas

PASS = 1000
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Means:
    """What measures judge by; `safety` is nothing where there is no rule set."""

    schemas: Schemas
    safety: Safety | None
    publish_values: Mapping[str, float]


Function = Callable[[Record, Means], "int | None"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure; another `version` is another measure, whose values are not compared with those before."""

    name: str
    version: int
    of: Function


REGISTRY: dict[str, Measure] = {}


def measure(name: str, *, version: int) -> Callable[[Function], Function]:
    """Register a function as the measure of this name."""
    if not _NAME.fullmatch(name) or name in REGISTRY:
        raise ValueError(f"{name!r} is no name for a measure, or there is one of this name")

    def register(function: Function) -> Function:
        REGISTRY[name] = Measure(name, version, function)
        return function

    return register


@measure("schema_valid", version=1)
def schema_valid(record: Record, means: Means) -> int:
    """Whether the output is what the schema of its prompt template version asks for, as JSON or as text with it."""
    validator = means.schemas.validator(record.prompt_template_version)
    if record.output is None:
        raise Unjudged("there is no output")
    if validator.is_valid(record.content):
        return PASS
    return PASS if record.content is not record.output and validator.is_valid(record.output) else 0


@measure("safe", version=2)
def safe(record: Record, means: Means) -> int:
    """Whether the output breaks no rule of the project's rule set."""
    if means.safety is None:
        raise Unjudged("there is no rule set")
    if record.output is None:
        raise Unjudged("there is no output")
    return 0 if means.safety.unsafe(record.text, record.redacted, names=record.names) else PASS


@measure("publish_proxy", version=1)
def publish_proxy(record: Record, means: Means) -> int | None:
    """What became of the output: published, edited or discarded, as a share from 0 to 1."""
    said = _single(record.publish)
    if said is None or said == "":
        return None
    if isinstance(said, str):
        worth = means.publish_values.get(said)
        return round(PASS * (worth if worth is not None else _number(said)))
    if isinstance(said, bool):
        return PASS if said else 0
    return _thousandths(said)


def _single(said: Any) -> Any:
    if not isinstance(said, list):
        return said
    many = cast("list[Any]", said)
    return many[0] if len(many) == 1 else many


def _number(said: str) -> float:
    try:
        return _thousandths(float(said)) / PASS
    except ValueError:
        raise Unjudged("publish is a word that eval.publish_values does not have") from None


def _thousandths(number: Any) -> int:
    if not isinstance(number, int | float) or not 0 <= number <= 1:
        raise Unjudged("publish is neither a word nor a number from 0 to 1")
    return round(PASS * number)
