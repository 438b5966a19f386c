"""The JSON Schemas by which outputs are judged: one per version of the prompt template, or one for all.

Source: phase2-rollout-and-eval.md, section 5, --schema-variant.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from ops import errors
from ops.eval_problems import Unjudged

ALL = ""
# A pattern that goes back more often than this on one text does not match; without a limit it would never end.
_BACK = 100_000


class Schemas:
    """Compiled schemas by version of the prompt template; under `ALL` the one for versions without their own."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._validators = {version: compiled(schema) for version, schema in schemas.items()}

    def validator(self, version: str | None) -> jsonschema_rs.Validator:
        """Return what judges the outputs of a version.

        Raises:
            Unjudged: there is no schema for it.
        """
        found = self._validators.get(version or ALL) or self._validators.get(ALL)
        if found is None:
            raise Unjudged("no schema for its prompt template version")
        return found

    def why(self, version: str | None, content: Any) -> str:
        """Return what is wrong with an output first, or nothing."""
        for error in self.validator(version).iter_errors(content):
            place = "/".join(str(step) for step in error.instance_path)
            return f"{place}: {error.message}" if place else error.message
        return ""


def load(folder: Path, variant: str) -> dict[str, Any]:
    """Read the schemas of a variant: VARIANT/TEMPLATE_VERSION.json by version, VARIANT.json under `ALL`.

    Raises:
        Refused: a file is no JSON Schema, or the variant is no name.
    """
    if not variant or set(variant) & set("/\\\0") or variant in (".", ".."):
        raise errors.Refused(
            f"The schema variant {variant!r} is no name of a file below {folder.name}/, so that no schema can be "
            "found. Choose one such as sitecraft."
        )
    found: dict[str, Any] = {}
    if (general := folder / f"{variant}.json").is_file():
        found[ALL] = _read(general, general.name)
    own = folder / variant
    for path in sorted(own.rglob("*.json")) if own.is_dir() else ():
        version = path.relative_to(own).with_suffix("").as_posix()
        found[version] = _read(path, f"{variant}/{version}.json")
    return found


def compiled(schema: Any) -> jsonschema_rs.Validator:
    """Return what judges by a schema; it never asks the network for another one.

    Raises:
        ValueError: it is no JSON Schema, or names another one.
    """
    options = jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACK)
    return jsonschema_rs.validator_for(schema, pattern_options=options, validate_formats=True, offline=True)


def _read(path: Path, name: str) -> Any:
    try:
        schema: Any = orjson.loads(path.read_bytes())
        compiled(schema)
    except (ValueError, OSError, jsonschema_rs.ReferencingError) as error:
        said = " ".join(str(error).split())[:300]
        raise errors.Refused(
            f"The schema {name} cannot be used: {said}. No output can be judged by it. Mend the file; what it refers "
            "to stands in it, under $defs."
        ) from None
    return schema
