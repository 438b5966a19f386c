"""Reads by what a night's records are judged: the mapping, the schemas and the safety rules of the project."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import Field, StringConstraints, ValidationError

from ops import configuration, eval_mapping, eval_safety, eval_schemas
from ops.eval_measures import REGISTRY
from ops.eval_night import EvalPlan
from ops.eval_standard import Standard
from ops.settings import Strict

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
_UNREAD = {"latency_unit"}


class Rules(Strict):
    """The file of safety rules; an output that breaks one is not safe."""

    shortest: int = Field(default=0, ge=0, description="characters of all texts in the output")
    longest: int | None = Field(default=None, ge=1, description="characters of all texts in the output")
    pii: tuple[Words, ...] = Field(
        default=(), description="kinds that the export takes out of an output, such as email"
    )
    phrases: tuple[Words, ...] = Field(default=(), description="banned as whole words, in any case")
    patterns: dict[str, str] = Field(
        default_factory=dict, description="name: regular expression, without look-around and references back"
    )


def standard(plan: EvalPlan) -> Standard:
    """Read what a plan's records are judged by.

    Raises:
        Refused: an expression, a schema or the rule file is not what it should be.
    """
    settings = plan.project.eval
    root = plan.project.root
    fields = settings.fields.model_dump(exclude=_UNREAD)
    eval_mapping.finders(fields)
    found = Standard(
        fields=fields,
        latency_scale=1000 if settings.fields.latency_unit == "s" else 1,
        publish_values=settings.publish_values,
        schemas=eval_schemas.load(root / settings.schemas, plan.schema_variant),
        rules=rules(root / settings.rules),
        version="",
        linked=plan.kind != "file",
    )
    return replace(found, version=_version(found))


def rules(path: Path) -> dict[str, Any] | None:
    """Read a rule set; nothing where there is no file, so that no record is judged safe.

    Raises:
        Refused: it is there and is wrong; says in which line.
    """
    file = configuration.File.read(path)
    if not file.there:
        return None
    try:
        found = Rules.model_validate(file.values)
    except ValidationError as error:
        raise file.mistakes(error, Rules, moved={}) from None
    for name, pattern in found.patterns.items():
        _check(file, ("patterns", name), pattern, pattern)
    for number, phrase in enumerate(found.phrases):
        _check(file, ("phrases", number), eval_safety.phrase_pattern([phrase]), phrase)
    return found.model_dump()


def _check(file: configuration.File, place: tuple[str | int, ...], pattern: str, said: str) -> None:
    try:
        eval_safety.compiled([pattern])
    except ValueError:
        raise file.misplaced(
            place,
            (),
            what=f"{said!r} is no pattern of a rule: it is mistyped, too large, or has look-around or a reference "
            "back, by which one output could hold up the night. No output can be judged. Mend it, or write two rules",
        ) from None


def _version(found: Standard) -> str:
    """Return eight hex digits over everything that a measured value depends on, but the record."""
    measures = {name: each.version for name, each in sorted(REGISTRY.items())}
    said: Mapping[str, Any] = asdict(found) | {"measures": measures, "version": "", "linked": None}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]
