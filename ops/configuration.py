"""Reading a TOML file by models of its tables: what is wrong in it is said with its line and the nearest right word."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ops import errors, toml_places
from ops.toml_places import Place

_WORDS = {
    "extra_forbidden": "there is no such key",
    "missing": "it is required and not there",
    "model_type": "should be a table",
    "model_attributes_type": "should be a table",
    "dict_type": "should be a table",
    "tuple_type": "should be a list",
    "path_type": "should be a path",
}


@dataclass(frozen=True)
class File:
    """A TOML file as it was read; one that is not there is empty."""

    name: str
    there: bool
    values: dict[str, Any]
    text: str = ""

    @classmethod
    def read(cls, path: Path) -> File:
        """Read a file.

        Raises:
            Refused: it is there and cannot be read as TOML.
        """
        if not path.is_file():
            return cls(path.name, there=False, values={})
        try:
            text = path.read_text(encoding="utf-8-sig")
            return cls(path.name, there=True, values=tomllib.loads(text), text=text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            raise errors.Refused(f"{path.name} cannot be read as TOML: {said}. Mend the file.") from None

    def misplaced(self, place: Place, known: Iterable[str], *, what: str = "") -> errors.Refused:
        """Return what is wrong with a key that is not known at its place."""
        said = what or f"{toml_places.spelled(place)}: {_WORDS['extra_forbidden']}"
        return errors.Refused(f"{self._where(place)}: {said}.{nearest(str(place[-1]), known)}")

    def mistakes(
        self, error: ValidationError, model: type[BaseModel], *, moved: Mapping[str, Place]
    ) -> errors.Refused:
        """Return what is wrong with the values of a model; `moved` says which of its keys stand elsewhere."""
        sentences: list[str] = []
        for problem in error.errors(include_url=False):
            first, *rest = problem["loc"]
            place = (*moved.get(str(first), (first,)), *rest)
            said = _WORDS.get(problem["type"], problem["msg"])
            sentences.append(
                f"{self._where(place)}: {toml_places.spelled(place)}: {said}.{_hint(problem, model)}"
            )
        return errors.Refused(" ".join(sentences))

    def _where(self, place: Place) -> str:
        line = toml_places.line(toml_places.lines(self.text), place)
        return f"{self.name}:{line}" if line else self.name


def nearest(key: str, known: Iterable[str], *, what: str = "key") -> str:
    """Return a sentence about the known word that is most like this one, or nothing."""
    near = difflib.get_close_matches(key, list(known), n=1)
    return f" The nearest {what} is {near[0]!r}." if near else ""


def _hint(problem: ErrorDetails, model: type[BaseModel]) -> str:
    held = _held(model, problem["loc"][:-1])
    if problem["type"] == "extra_forbidden" and isinstance(held, type) and issubclass(held, BaseModel):
        return nearest(str(problem["loc"][-1]), held.model_fields)
    if problem["type"] in ("enum", "literal_error"):
        # Never a secret, which is no choice among words; it is compared and not shown.
        return nearest(str(problem["input"]), _choices(_held(model, problem["loc"])), what="value")
    return ""


def _held(annotation: Any, place: Place) -> Any:
    """Return what a model says may stand at a place."""
    for part in place:
        annotation = _table(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(str(part))
            annotation = field.annotation if field else None
        else:
            # Of a dict the values', of a tuple the items'.
            annotation = next((one for one in reversed(get_args(annotation)) if one is not Ellipsis), None)
    return _table(annotation)


def _table(annotation: Any) -> Any:
    """Return the part of a choice that is not `None`, without what is only said about it."""
    if isinstance(annotation, type) or get_origin(annotation) in (dict, tuple, Literal):
        return annotation
    parts = [one for one in get_args(annotation) if one is not type(None)]
    return _table(parts[0]) if parts else annotation


def _choices(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (str(one.value) for one in annotation)
    elif get_origin(annotation) is Literal:
        yield from map(str, get_args(annotation))
