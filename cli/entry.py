"""The `runbooks` command as it is installed: what Postgres calls for each segment does not wait for the rest of it."""

from __future__ import annotations

import sys


def main() -> None:
    """Archive a segment at once, or run whatever else is asked for."""
    if sys.argv[1:2] == ["archive-wal"]:
        from ops import wal_archive

        sys.exit(wal_archive.main(sys.argv[2:]))
    from cli import main as commands

    commands.main()
