"""The settings of the operated app by name: in the environment, then in `.streamlit/secrets.toml`.

Source: deploy-gate.md, preconditions. Values are never shown; those that may be secret are kept out of all output.
"""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ops import errors, secrets
from ops.settings import Deploy

FILE = Path(".streamlit", "secrets.toml")
_SECRET = re.compile(r"key|token|secret|passw|dsn|url|credential", re.IGNORECASE)
# Where something lies is no secret, and neither is an address without a login, and both are in every second line.
_PATH = re.compile(r"/|\w+://[^@\s]*$|\d+$")


@dataclass(frozen=True)
class Setting:
    """A setting that is there: where it stands, and its value, which is not for any output."""

    name: str
    place: str
    value: str

    def __repr__(self) -> str:
        return f"Setting({self.name!r}, {self.place!r})"


def find(name: str, root: Path, environment: Mapping[str, str] | None = None) -> Setting | None:
    """Return the setting called `name`, or a nested one such as `postgres.DATABASE_URL`; an empty one is none.

    Raises:
        Refused: the file cannot be read.
    """
    variables = os.environ if environment is None else environment
    # Read whatever comes first, since the app's own commands could print what is in it.
    entries = _entries(root)
    if variables.get(name, "").strip():
        return _kept(Setting(name, "environment", variables[name]))
    for key, value in entries:
        if name in (key, key.rpartition(".")[2]) and value.strip():
            nested = f" as {key}" if key != name else ""
            return _kept(Setting(name, f"{FILE}{nested}", value))
    return None


def names(root: Path, environment: Mapping[str, str] | None = None) -> list[str]:
    """Return the names of all settings that have a value, for the nearest right one."""
    variables = os.environ if environment is None else environment
    entries = [*variables.items(), *_entries(root)]
    return [key.rpartition(".")[2] for key, value in entries if value.strip()]


def open_reference(reference: str, root: Path) -> str:
    """Return the value of a secret reference; of an `env:NAME` that is not set, what the app's own file says.

    Raises:
        Refused: it is nowhere.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name not in os.environ and (found := find(name, root)):
        return found.value.strip()
    return secrets.open_secret(reference)


def remember(settings: Deploy, root: Path) -> None:
    """Keep what the app's settings hold out of all output, before anything of the app's own runs and prints it."""
    for name, value in os.environ.items():
        if _SECRET.search(name) and not _PATH.match(value):
            secrets.remember(value)
    # A file that cannot be read is refused where its settings are looked at.
    with contextlib.suppress(errors.Refused):
        for name in (*settings.secrets, settings.ai_key or ""):
            find(name, root)


def _kept(found: Setting) -> Setting:
    if found.value != "postgres" and _SECRET.search(found.name):
        secrets.remember(found.value)
    return found


def _entries(root: Path) -> list[tuple[str, str]]:
    path = root / FILE
    try:
        parsed = tomllib.loads(path.read_text("utf-8-sig")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        # The parser's words may quote the file.
        where = re.search(r"line \d+, column \d+", str(error))
        place = f" at {where[0]}" if where else ""
        raise errors.Refused(
            f"{FILE} cannot be read as TOML{place}, so the app's settings are not known. Mend the file."
        ) from None
    found = list(_flat(parsed))
    for key, value in found:
        if _SECRET.search(key):
            secrets.remember(value)
    # A setting of the root comes before a nested one of the same name.
    return sorted(found, key=lambda entry: entry[0].count("."))


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(cast("dict[str, Any]", value), f"{before}{key}.")
        else:
            yield f"{before}{key}", str(value)
