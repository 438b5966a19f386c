"""The commands of a release, in this process: what they are given, and what they call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the commands to the whole."""
    app.command()(promote)


def promote(
    path: Annotated[Path, typer.Argument(help="A repository with a supabase folder.")],
    environment: Annotated[str, typer.Option(help="An environment of its runbooks.toml.")] = "production",
    confirm: Annotated[
        str, typer.Option(metavar="WORDS", help="The words CONFIRM PRODUCTION DEPLOYMENT, exactly.")
    ] = "",
    no_incident: Annotated[
        str,
        typer.Option(metavar="WORD", help="Your word, `no active incident`, where nothing else can say it."),
    ] = "",
    app_version: Annotated[str, typer.Option(help="Schema version that the app will have.")] = "",
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take what other hands have applied meanwhile as it is.")
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give up a plan that was begun, and plan anew what is left.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the result as one JSON object.")
    ] = None,
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the evidence; default: the project's own.")
    ] = "",
) -> None:
    """Promote a rehearsed change here and now, where nothing is guarded; elsewhere `runbooks run prod-promotion`.

    Exit code 0: promoted and proven; 1: something is wrong; 2: refused; 3: unavailable.
    """
    from cli import promote as command
    from ops.promotion_choices import PromotionChoices

    choices = PromotionChoices(
        no_incident=no_incident, app_version=app_version, adopt=adopt, abandon=abandon, out=out
    )
    raise typer.Exit(command.promote(path, environment, confirm, choices, json_file=json_file))
