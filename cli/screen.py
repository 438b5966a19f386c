"""What a rehearsal looks like in a terminal: a line per step as it ends, then one screen of verdict."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from typing import TextIO

from rich.console import Console
from rich.text import Text

from cli import layout, summary
from ops.evidence import Evidence
from ops.verdict import Rehearsal

_MOST_LINES = 40
_LEAST_LINES = 22
_DONE, _FAILED, _IDLE = ("✓", "green"), ("✗", "bold red"), ("·", "dim")
_PLAIN = {"✓": "ok", "✗": "FAILED", "…": "...", "→": "->", "·": "-", "─": "-", "│": "|"}


class Screen:
    """Watches the steps of a run and shows its verdict; plain text where nobody watches a terminal.

    `output` is standard output unless it is needed for something else; `telling` shows what every step found,
    well or not. NO_COLOR is honoured.
    """

    def __init__(self, output: TextIO | None = None, *, telling: bool = False) -> None:
        self._output = output or sys.stdout
        self._telling = telling
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        self._console = Console(
            file=self._output,
            color_system=None if plain else "auto",
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._live = self._console.is_terminal and os.environ.get("TERM") != "dumb"
        self._pending = False

    def started(self, title: str) -> None:
        """Show what is running now, where the line can be taken back."""
        if self._live:
            self._write(self._clipped(f"… {title}"), end="")
            self._pending = True

    def finished(self, title: str, evidence: Evidence | None, seconds: float) -> None:
        """Show a step that ended, and what it found if that is not well and no verdict follows."""
        if evidence is None:
            self._step(title, seconds, _DONE, "")
            return
        fine = evidence.ok or isinstance(evidence, Rehearsal)
        mark = _FAILED if not fine else _IDLE if evidence.idle else _DONE
        tells = self._telling or not fine
        self._step(title, seconds, mark, evidence.summary if tells else "")

    def failed(self, title: str, error: BaseException, seconds: float) -> None:
        """Show a step that raised."""
        self._step(title, seconds, _FAILED, str(error))

    def verdict(self, rehearsal: Rehearsal) -> None:
        """Show the result on one screen: at most 40 lines, fewer where the terminal is lower."""
        self._take_back()
        height = _MOST_LINES
        if self._console.is_terminal:
            height = max(_LEAST_LINES, min(_MOST_LINES, self._console.height - 1))
        for line in summary.lines(rehearsal, console=self._console, height=height):
            if not self._speaks_unicode():
                line = Text(self._spelled(line.plain))
            self._console.print(line, no_wrap=True, overflow="ignore", crop=False)
        self._output.flush()

    def _step(self, title: str, seconds: float, mark: tuple[str, str], said: str) -> None:
        self._take_back()
        clock = time.strftime("%H:%M:%S")
        took = f"{seconds:.1f} s" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"
        self._write(f"{self._styled(*mark)} {clock} {layout.cleaned(title)} ({took})")
        for line in self._folded(layout.cleaned(said)):
            self._write(f"    {line}")

    def _folded(self, text: str) -> list[str]:
        # A file keeps a sentence on one line, for those who search in it.
        if not self._console.is_terminal:
            return [text] if text else []
        return textwrap.wrap(text, max(20, self._console.width - 5), break_on_hyphens=False)

    def _styled(self, text: str, style: str) -> str:
        # A thousand steps are shown this way, in a tenth of the time that a rich renderable takes.
        if self._console.color_system is None:
            return text
        return self._console.get_style(style).render(text)

    def _clipped(self, text: str) -> str:
        line = Text(layout.cleaned(text))
        line.truncate(self._console.width - 1, overflow="ellipsis")
        return line.plain

    def _take_back(self) -> None:
        if self._pending:
            self._output.write("\r\x1b[K")
            self._pending = False

    def _write(self, text: str, *, end: str = "\n") -> None:
        self._output.write((text if self._speaks_unicode() else self._spelled(text)) + end)
        self._output.flush()

    def _speaks_unicode(self) -> bool:
        return self._console.encoding.startswith("utf")

    def _spelled(self, text: str) -> str:
        """Return `text` in what the terminal's encoding can say."""
        for mark, plain in _PLAIN.items():
            text = text.replace(mark, plain)
        return text.encode(self._console.encoding, "backslashreplace").decode(self._console.encoding)
