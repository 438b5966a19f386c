"""The commands of audits that need no Prefect server: the lints, and the contracts of RLS and of Storage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result as one JSON object.")
]
Database = Annotated[
    str, typer.Argument(metavar="NAME_OF_SECRET", help="The DSN: env:NAME, file:PATH, command:LINE.")
]
Repository = Annotated[
    Path, typer.Option("--project", help="The repository, for the schemas that its API serves.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the whole."""
    app.command()(lint)
    rls = typer.Typer(help="Row level security, tried as each role.", no_args_is_help=True)
    app.add_typer(rls, name="rls")
    rls.command()(declare)
    rls.command()(check)
    rls.command()(prove)
    storage = typer.Typer(help="Buckets and their policies.", no_args_is_help=True)
    app.add_typer(storage, name="storage")
    storage.command("declare")(declare_storage)
    storage.command("check")(check_storage)


def lint(
    database: Database,
    project: Repository = Path(),
    everything: Annotated[
        bool, typer.Option("--all", help="Also the lints that are about speed or GraphQL.")
    ] = False,
    json_file: Json = None,
) -> None:
    """Ask a database what Supabase's security advisors would say of it.

    Exit code 0: nothing worse than a note; 1: something is wrong; 2: refused; 3: unavailable.
    """
    from cli import lint as command

    raise typer.Exit(command.lint(database, project, everything=everything, json_file=json_file))


def declare(
    database: Database,
    project: Repository = Path(),
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the contract there; default: standard output.")
    ] = None,
) -> None:
    """Try who may do what to whose row, on a database that is right, and write it as the contract.

    Two users and a row of each table are made up in a transaction that is rolled back.
    """
    from cli import rls as command

    raise typer.Exit(command.declare(database, project, out))


def check(
    database: Database,
    project: Repository = Path(),
    contract: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The contract; default: supabase/rls.contract.json.")
    ] = None,
    json_file: Json = None,
) -> None:
    """Try who may do what to whose row, and hold it against the committed contract.

    Exit code 0: as the contract says; 1: otherwise; 2: refused; 3: unavailable.
    """
    from cli import rls as command

    raise typer.Exit(command.check(database, project, contract, json_file))


def prove(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The repository with its supabase folder.")
    ] = Path(),
    contract: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The contract; default: supabase/rls.contract.json.")
    ] = None,
) -> None:
    """Break each policy of a project in several ways, on a throw-away database, and name what the contract misses.

    Exit code 0: all are noticed by what the roles can do; 1: some are not; 2: refused; 3: unavailable.
    """
    from cli import rls as command

    raise typer.Exit(command.prove(path, contract))


def declare_storage(
    database: Database,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the contract there; default: standard output.")
    ] = None,
) -> None:
    """Write the buckets and policies of a database that is right as the contract."""
    from cli import storage as command

    raise typer.Exit(command.declare(database, out))


def check_storage(
    database: Database,
    project: Repository = Path(),
    contract: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: supabase/storage.contract.json.")
    ] = None,
    json_file: Json = None,
) -> None:
    """Hold the buckets and policies of a database against the committed contract.

    Exit code 0: as the contract says; 1: otherwise; 2: refused; 3: unavailable.
    """
    from cli import storage as command

    raise typer.Exit(command.check(database, project, contract, json_file))
