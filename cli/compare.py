"""`runbooks compare LEFT RIGHT`: two live schemas, object by object."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.layout import Block, Layout
from ops import drift, errors, redaction, secrets
from ops.drift import Drift, Side
from ops.verdict import Difference

_SIDES = {
    "left": ("-", "red", "only left"),
    "right": ("+", "green", "only right"),
    "both": ("~", "yellow", "not the same"),
}
_MOST_LINES = 12


def compare(left: str, right: str, json_file: Path | None) -> int:
    """Compare the schemas that two secrets lead to; return 0 equal, 1 different.

    Raises:
        Refused: a secret cannot be opened, or a server says no.
        Unavailable: nobody answers.
    """
    redaction.install()
    to_stdout = str(json_file) == "-"
    try:
        found = drift.compare(left, right)
    except errors.OpsError as error:
        if json_file and not to_stdout:
            kind = "unavailable" if isinstance(error, errors.Unavailable) else "refused"
            _write(json_file, {"verdict": kind, "summary": str(error)})
        raise
    _show(found, sys.stderr if to_stdout else sys.stdout)
    if json_file:
        _write(json_file, found.model_dump(mode="json", exclude={"ok", "rows", "idle"}))
    return 0 if found.ok else 1


def _show(found: Drift, output: Any) -> None:
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    console = Console(
        file=output, color_system=None if plain else "auto", highlight=False, markup=False, emoji=False
    )
    for line in _lines(found, Layout(console)):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def _lines(found: Drift, layout: Layout) -> Iterator[Text]:
    yield from layout.fact("Left", _side(found.left))
    yield from layout.fact("Right", _side(found.right))
    for warning in found.warnings:
        yield from layout.fact("Warning", warning, style="yellow")
    yield Text()
    for difference in found.differences:
        yield from _difference(difference, layout)
    if found.differences:
        yield Text()
    badge, style = (" EQUAL ", "bold white on green") if found.ok else (" DIFFERENT ", "bold white on red")
    first, *rest = layout.wrapped(found.summary, indent=len(badge) + 1)
    yield Text.assemble((badge, style), first.plain[len(badge) :])
    yield from rest


def _side(side: Side) -> str:
    return (
        f"{side.secret}: database {side.database} as {side.role}, PostgreSQL {side.server_version}, "
        f"{side.objects:,} objects and parts"
    )


def _difference(difference: Difference, layout: Layout) -> Block:
    mark, style, said = _SIDES[drift.where(difference)]
    found = layout.item(mark, f"{difference.kind} {difference.object}: {said}", style=style)
    if difference.before is None or difference.after is None:
        return found
    changed = [
        line
        for line in difflib.ndiff(difference.before.splitlines(), difference.after.splitlines())
        if line.startswith(("- ", "+ "))
    ]
    for line in changed[:_MOST_LINES]:
        found += layout.kept(f"    {line}", style="red" if line.startswith("-") else "green")
    if len(changed) > _MOST_LINES:
        found += layout.wrapped(f"{len(changed) - _MOST_LINES} more lines", indent=4, style="dim")
    return found


def _write(path: Path, plain: Mapping[str, object]) -> None:
    text = json.dumps(secrets.redact_nested(plain), indent=2, ensure_ascii=False) + "\n"
    if str(path) == "-":
        print(text, end="")
        return
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
