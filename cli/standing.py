"""The commands of a deployment that stays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Where = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Where it is kept; default: .runbooks/up of this clone."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the whole."""
    app.command()(up)
    app.command()(down)
    app.command()(deploy)
    app.command()(drain)
    scale = typer.Typer(help="Several Prefect servers, several machines.", no_args_is_help=True)
    app.add_typer(scale, name="scale")
    scale.command()(check)
    scale.command()(pools)


def up(
    home: Where = None,
    port: Annotated[int | None, typer.Option(help="Of the server; default: as before, or 4200.")] = None,
    env_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Variables of the worker, NAME=VALUE lines; only yours to read (0600)."
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="What is deployed; default: prefect.yaml of this clone."),
    ] = None,
) -> None:
    """Start a Prefect server, its own Postgres and a worker, which stay, and deploy all runbooks; safe to run twice.

    Exit code 0: it runs; 2: refused; 3: unavailable.
    """
    from cli import up as command

    asked = command.Asked(home=home, port=port, file=file, env_file=env_file)
    raise typer.Exit(command.up(asked))


def down(
    home: Where = None,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="For runs that are under way.")] = 60,
    now: Annotated[bool, typer.Option("--now", help="Cut off the runs that are under way.")] = False,
) -> None:
    """Stop what `up` has started, in order; what waits at a gate goes on waiting after the next start.

    Exit code 0: nothing runs any more; 2: refused, since runs are under way; 3: unavailable.
    """
    from cli import up as command

    raise typer.Exit(command.down(home, wait=wait, now=now))


def deploy(
    file: Annotated[
        Path, typer.Option(metavar="FILE", help="What is deployed; default: prefect.yaml of this clone.")
    ] = Path("prefect.yaml"),
) -> None:
    """Deploy the runbooks on the team's Prefect server; what an operator has made of the schedules stays.

    Exit code 0: deployed; 2: refused; 3: unavailable.
    """
    from cli import up as command

    raise typer.Exit(command.deploy(file))


def drain(
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="For runs that are under way.")] = 600,
) -> None:
    """Let no further run begin until the next deploy, and wait for those under way: before a worker is stopped.

    Exit code 0: nothing runs; 2: refused, since runs are under way; 3: unavailable.
    """
    from cli import up as command

    raise typer.Exit(command.drain(wait))


Pools = Annotated[
    Path, typer.Option("--pools", metavar="FILE", help="The work pools; default: those of this repository.")
]


def check(
    env_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The servers' variables; default: the environment.")
    ] = None,
    pools: Pools = Path("deployments/work-pools.yaml"),
) -> None:
    """Look whether several servers with these variables are one, and whether Prefect takes the work pools.

    Exit code 0: all is well; 1: something is wrong; 2: refused.
    """
    from cli import scale as command

    raise typer.Exit(command.check(env_file, pools))


def pools(pools: Pools = Path("deployments/work-pools.yaml")) -> None:
    """Make the work pools with their queues and limits on the team's Prefect server, or bring them up to date.

    Exit code 0: they are there; 2: refused; 3: unavailable.
    """
    from cli import scale as command

    raise typer.Exit(command.pools(pools))
