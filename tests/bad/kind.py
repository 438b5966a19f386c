"""A migration file that is bad, and what has to be said of it.

It stands beside the sound migration of `projects.CREATE_NOTES`, which is applied already: the table
`public.notes` with five rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

FILE = "supabase/migrations/20260102000000_bad.sql"


@dataclass(frozen=True)
class Bad:
    """One bad file: its content, and what its error says; `file` is where the error is said to be.

    `make` puts something else than a text where the file should be; `says` are words of the message.
    """

    name: str
    says: str
    content: str | bytes = b""
    line: int | None = None
    column: int | None = None
    sqlstate: str | None = None
    file: str = FILE
    more: dict[str, str | bytes] = field(default_factory=dict[str, str | bytes])
    make: Callable[[Path], object] | None = None

    def write(self, root: Path) -> None:
        """Put the file into a project that has the sound migration."""
        path = root / FILE
        if self.make:
            self.make(path)
        else:
            path.write_bytes(self.content.encode() if isinstance(self.content, str) else self.content)
        for name, content in self.more.items():
            other = root / name
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_bytes(content.encode() if isinstance(content, str) else content)
