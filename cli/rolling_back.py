"""The commands that take something back in this process, without a Prefect server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.app_rollback_choices import AppRollbackChoices
from ops.p0_choices import P0Choices

_Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result as one JSON object.")
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the whole."""
    app.command("app-rollback")(_app_rollback)
    app.command("p0-rollback")(_p0_rollback)


def _app_rollback(
    path: Annotated[Path, typer.Argument(help="The app's repository.")],
    environment: Annotated[str, typer.Option(help="An environment of its runbooks.toml.")],
    deploy: Annotated[str, typer.Option(metavar="ID", help="The deploy that is taken back.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    at: Annotated[str, typer.Option(metavar="TIME", help="When; default: now.")] = "",
    to: Annotated[
        str,
        typer.Option(metavar="DEPLOYMENT", help="The previous deployment; default: the local data store."),
    ] = "",
    app_version: Annotated[str, typer.Option(help="Schema version of the previous deployment.")] = "",
    json_file: _Json = None,
) -> None:
    """Guide through taking an app back, see that it works, and record when and why.

    Exit code 0: done and seen to work; 1: not; 2: refused; 3: unavailable.
    """
    from cli import app_rollback as command

    choices = AppRollbackChoices(to=to, app_version=app_version, at=at)
    raise typer.Exit(command.roll_back(path, environment, deploy, reason, choices, json_file=json_file))


def _p0_rollback(
    path: Annotated[Path, typer.Argument(help="A repository with a supabase folder.")],
    environment: Annotated[str, typer.Option(help="An environment of its runbooks.toml.")],
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="On a throw-away clone, there and back; touches nothing else.")
    ] = False,
    put_back: Annotated[
        bool, typer.Option("--put-back", help="Put back what the last P0 rollback has changed.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    bindir: Annotated[str, typer.Option(help="Binaries of another Postgres for the throw-away server.")] = "",
    json_file: _Json = None,
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the evidence; default: the project's own.")
    ] = "",
) -> None:
    """Let the default provider answer alone, put back what there was before, or rehearse both on a clone.

    Exit code 0: done and verified; 1: something is wrong; 2: refused; 3: unavailable.
    """
    from cli import p0_rollback as command

    choices = P0Choices(rehearse=rehearse, put_back=put_back, reason=reason, bindir=bindir, out=out)
    raise typer.Exit(command.roll_back(path, environment, choices, json_file=json_file))
