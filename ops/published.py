"""The JSON schemas of results as they are published: what `--json` and the bundle write."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

from ops.verdict import UNPUBLISHED, Rehearsal


def json_schema(
    result: type[Rehearsal] = Rehearsal, *, of: str = "a rehearsal", command: str = "rehearse"
) -> dict[str, Any]:
    """Return the JSON schema of what is published; every field is always there."""
    described_as = f"What `runbooks {command} --json FILE` writes, and rehearsal.json of an evidence bundle."
    return described(result, title=f"The result of {of}", description=described_as, unpublished=UNPUBLISHED)


def described(
    result: type[BaseModel], *, title: str, description: str, unpublished: Collection[str] = ()
) -> dict[str, Any]:
    """Return the JSON schema of what a model is written as, but for some of its fields."""
    schema = result.model_json_schema(mode="serialization")
    properties = {name: each for name, each in schema["properties"].items() if name not in unpublished}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": _plain(properties),
        "$defs": {name: _defined(each) for name, each in schema["$defs"].items()},
    }


def _defined(of: dict[str, Any]) -> dict[str, Any]:
    return {**of, "properties": _plain(of["properties"])} if "properties" in of else of


def _plain(properties: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave out the titles, which repeat the names, and the defaults of what is always there."""
    return {
        name: {key: value for key, value in of.items() if key not in {"title", "default"}}
        for name, of in properties.items()
    }
