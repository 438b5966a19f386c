"""Lines of a terminal: wrapped by cells, cleaned of secrets and of what would steer the terminal."""

from __future__ import annotations

import os
import unicodedata
from typing import TextIO

from rich.console import Console
from rich.text import Text

from ops import secrets

Block = list[Text]
_LABEL = 12


def cleaned(text: str) -> str:
    """Return text on one line, without secrets and without characters that a terminal obeys."""
    return _visible(" ".join(secrets.redact(text).split()))


def _visible(text: str) -> str:
    return "".join(char if unicodedata.category(char)[0] != "C" else f"\\x{ord(char):02x}" for char in text)


def plain(output: TextIO) -> Console:
    """Return a console that shows text as it is; in colours where somebody watches, unless NO_COLOR is set."""
    dull = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Console(
        file=output, color_system=None if dull else "auto", highlight=False, markup=False, emoji=False
    )


class Layout:
    """Sets text into lines of one console's width."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = max(40, console.width)

    def wrapped(self, text: str, *, indent: int = 0, style: str = "", most: int = 3) -> Block:
        """Return `text` on at most `most` lines; what is cut off ends in an ellipsis."""
        room = self._width - indent
        if most == 1:
            line = Text(cleaned(text))
            line.truncate(room, overflow="ellipsis")
            return [Text.assemble(" " * indent, (line.plain, style))]
        found = list(Text(cleaned(text)).wrap(self._console, room, overflow="fold")) or [Text()]
        kept = found[:most]
        for line in kept:
            line.rstrip()
        if len(found) > most:
            kept[-1].truncate(room - 1)
            kept[-1].append("…")
        return [Text.assemble(" " * indent, (line.plain, style)) for line in kept]

    def kept(self, text: str, *, style: str = "") -> Block:
        """Return one line as it is set, such as a line of SQL, cut at the width."""
        line = Text(_visible(secrets.redact(text).expandtabs(4)), style)
        line.truncate(self._width, overflow="ellipsis")
        return [line]

    def fact(self, name: str, said: str, *, style: str = "", whole: bool = False) -> Block:
        """Return a name and what is said of it; `whole` keeps it on one line, to be copied."""
        if whole:
            return [Text.assemble((f"{name:<{_LABEL}}", "dim"), (cleaned(said), style))]
        found = self.wrapped(said, indent=_LABEL, style=style)
        found[0] = Text.assemble((f"{name:<{_LABEL}}", "dim"), (found[0].plain[_LABEL:], style))
        return found

    def item(self, mark: str, said: str, *, style: str, most: int = 3) -> Block:
        """Return a marked line, with the lines it takes under it."""
        found = self.wrapped(said, indent=2, style=style, most=most)
        found[0] = Text.assemble((f"{mark} ", style), (found[0].plain[2:], style))
        return found
