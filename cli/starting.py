"""The command that an app's start-up runs: it is short, and nothing but the guard is loaded for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command to the whole."""
    app.command()(guard)


def guard(
    path: Annotated[Path, typer.Argument(help="The app's repository.")],
    environment: Annotated[str, typer.Option(help="An environment of its runbooks.toml.")],
    app_version: Annotated[
        str,
        typer.Option(metavar="VERSION", help="Schema version of the app; default: APP_SCHEMA_VERSION."),
    ] = "",
    reason: Annotated[
        str,
        typer.Option(
            "--break-glass",
            metavar="REASON",
            help="Let the guard be skipped for this app and database; somebody else reviews it.",
        ),
    ] = "",
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="Who breaks the glass.")] = "",
    code: Annotated[
        str, typer.Option(metavar="NAME_OF_SECRET", help="Where their code is; by default you are asked.")
    ] = "",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the result as one JSON object.")
    ] = None,
) -> None:
    """Say in one line whether an app may start on this database: its schema version beside the database's.

    Exit code 0: compatible; 1: incompatible; 2: refused; 3: unavailable.
    """
    from cli import guard as command

    if reason or name:
        raise typer.Exit(command.break_glass(path, environment, app_version, name, code, reason))
    raise typer.Exit(command.guard(path, environment, app_version, json_file))
