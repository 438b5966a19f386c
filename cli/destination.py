"""Files that a command writes its result to: `-` is standard output, and nothing partial looks whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ops import secrets


def problem(path: Path | None, option: str = "--json") -> str | None:
    """Return why a result cannot be written to `path`, if that can be seen before there is one."""
    if path is None or is_standard_output(path):
        return None
    if path.is_dir():
        return f"{path} is a folder, so the result cannot be written there. Name a file with {option}."
    if not path.absolute().parent.is_dir():
        return (
            f"{path} lies in a folder that does not exist, so the result cannot be written. Make the folder."
        )
    return None


def is_standard_output(path: Path | None) -> bool:
    """Whether a path stands for standard output."""
    return str(path) == "-"


def write_json(path: Path, plain: object) -> None:
    """Write an object, redacted string by string."""
    write(path, json.dumps(secrets.redact_nested(plain), indent=2, ensure_ascii=False) + "\n")


def write(path: Path, text: str) -> None:
    """Write text that holds no secret."""
    if is_standard_output(path):
        print(text, end="")
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    temporary.replace(path)
