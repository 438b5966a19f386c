"""Semantic versions, MAJOR.MINOR.PATCH and nothing else: a schema is released, so it has no pre-release.

Source: database-pipeline.md, "Schema Guard Operations".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ops import errors

_NUMBER = "(0|[1-9][0-9]{0,17})"
_FORM = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_MOST_SHOWN = 60


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """A version; it is older or newer than another by its numbers in this order."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def parse(text: str, *, of: str) -> Version:
    """Return the version that a text is; `of` says where the text stands.

    Raises:
        Refused: it is no version of three numbers.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
        raise errors.Refused(
            f"{of} is {shown!r}, which is no version, so nothing can be compared with it. Write three numbers "
            "without leading zeros, spaces or a letter, such as 1.0.0."
        )
    return Version(*map(int, found.groups()))
