"""The commands around backups: what a drill compares with and measures by, and what Postgres itself calls.

`archive-wal` is here for its help: as it is installed, `cli/entry.py` answers it before this is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Repository = Annotated[Path, typer.Argument(help="The app's repository.")]
Where = Annotated[str, typer.Option(help="An environment of its runbooks.toml.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the whole."""
    app.command()(reference)
    app.command()(heartbeat)
    app.command("demo-restore")(demo_restore)
    app.command()(archive_wal)


def reference(path: Repository, environment: Where = "production") -> None:
    """Keep what the critical tables hold now, at a known place in the WAL, for drills to compare with.

    Exit code 0: kept; 2: refused; 3: unavailable.
    """
    from ops import app_settings, project, secrets
    from ops import reference as references

    operated = project.load(path)
    where = operated.environment(environment)
    dsn = app_settings.open_reference(where.database or "", operated.root)
    secrets.remember(dsn)
    names = where.backups.drill.tables if where.backups else ()
    found = references.take(dsn, names)
    kept = references.keep(operated.root, where.name, found)
    how = "exact" if found.exact else "not exact, since somebody was writing all the time"
    print(
        f"{sum(each.rows for each in found.tables.values()):,} rows of {len(found.tables)} tables, {how}: {kept}"
    )


def heartbeat(
    path: Repository,
    environment: Where = "production",
    install: Annotated[
        bool, typer.Option("--install", help="Let pg_cron of the database write it every minute.")
    ] = False,
) -> None:
    """Write a row by which a restore drill measures how much would be lost.

    Exit code 0: written; 2: refused; 3: unavailable.
    """
    from ops import beating

    plan = beating.plan(str(path), environment)
    print((beating.install(plan) if install else beating.beat(plan)).summary)


def demo_restore() -> None:
    """Break a small production at a known second, restore it to just before, and show the lost and the saved.

    Exit code 0: the drill passed and all that should be there is; 1: it did not; 3: unavailable.
    """
    from cli import demo_restore as command

    raise typer.Exit(command.demo_restore())


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
