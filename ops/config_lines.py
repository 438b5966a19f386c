"""Where in `runbooks.toml` a key stands of which only a database or a folder can say that it is wrong."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ops import errors, toml_places
from ops.project import CONFIG_NAME
from ops.toml_places import Place

_SAID = re.compile(
    rf"\A{re.escape(CONFIG_NAME)}: (?P<table>integrity\.[a-z_]+)"
    r"(?:\.(?P<name>[^:]+)| \(number (?P<number>\d+)\))?: (?P<rest>.*)\Z",
    re.DOTALL,
)
_NAMED = re.compile(r"'([^']+)'")


def place(root: Path, *keys: str) -> str:
    """Return the file and the line of a key, or of what is around it."""
    return _line(root, keys)


@contextmanager
def named(root: Path) -> Generator[None]:
    """Give what is refused in the block because of a key of the configuration the line on which that stands."""
    try:
        yield
    except errors.Refused as error:
        found = _SAID.match(str(error))
        if found is None:
            raise
        said = str(error).partition(": ")[2]
        raise errors.Refused(f"{_line(root, _place(found))}: {said}") from None


def _place(found: re.Match[str]) -> Place:
    keys: Place = tuple(found["table"].split("."))
    if found["number"]:
        return (*keys, int(found["number"]) - 1)
    said = found["name"] or next(iter(_NAMED.findall(found["rest"])), "")
    return (*keys, said) if said else keys


def _line(root: Path, keys: Place) -> str:
    path = root / CONFIG_NAME
    text = path.read_text("utf-8-sig") if path.is_file() else ""
    return toml_places.told(CONFIG_NAME, text, keys)
