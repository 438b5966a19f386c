"""The command that Postgres itself calls; as it is installed, `cli/entry.py` answers it before this is loaded."""

from __future__ import annotations

from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command to the whole."""
    app.command()(archive_wal)


def archive_wal(
    path: Annotated[str, typer.Argument(metavar="%p", help="The file, as Postgres names it.")],
    name: Annotated[str, typer.Argument(metavar="%f", help="Its name in the archive.")],
    folder: Annotated[str, typer.Argument(metavar="DIRECTORY", help="The archive.")],
) -> None:
    """Archive one file of WAL: archive_command = 'runbooks archive-wal %p %f DIRECTORY'.

    Exit code 0: it is there, whole and flushed; 1: it is not, and Postgres keeps its own.
    """
    from ops import wal_archive

    raise typer.Exit(wal_archive.main([path, name, folder]))
