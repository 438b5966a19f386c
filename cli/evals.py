"""The commands around evaluation: a file scored without a database, the baseline pinned, a missing night noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Evaluation of what models wrote.", no_args_is_help=True)

Repository = Annotated[Path, typer.Option(help="The app's repository.")]
Where = Annotated[str, typer.Option(help="An environment of its runbooks.toml.")]


def add_to(root: typer.Typer) -> None:
    """Add the commands to the whole."""
    root.add_typer(app, name="eval")
    root.command("demo-eval")(demo_eval)


@app.command()
def score(
    files: Annotated[list[Path], typer.Argument(help="JSONL files of records.")],
    path: Repository = Path(),
    schema_variant: Annotated[str, typer.Option(help="Default: that of runbooks.toml.")] = "",
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the evidence; default: the project's own.")
    ] = "",
) -> None:
    """Evaluate files without a database: measures, slices, floors and the report, as the nightly run has them.

    Exit code 0: no measure is below its floor; 1: one is; 2: refused.
    """
    from cli import eval_score

    raise typer.Exit(
        eval_score.score(files, path, variant=schema_variant or None, out=Path(out) if out else None)
    )


@app.command()
def baseline(
    run: Annotated[int, typer.Argument(metavar="RUN", help="Id of a run in the table of runs.")],
    by: Annotated[str, typer.Option(help="Who pins it.")],
    why: Annotated[
        str, typer.Option(help="Why this run; kept. Without it a run that failed or is small is refused.")
    ] = "",
    path: Repository = Path(),
    environment: Where = "production",
) -> None:
    """Pin a run as what later ones are compared with; no run ever moves it.

    Exit code 0: pinned; 2: refused; 3: unavailable.
    """
    from ops import app_settings, database, eval_baseline, project, secrets

    operated = project.load(path)
    where = operated.environment(environment)
    dsn = app_settings.open_reference(where.database or "", operated.root)
    secrets.remember(dsn)
    with database.connect(dsn, application="runbooks eval baseline") as connection:
        print(eval_baseline.pin(connection, operated, where, run_id=run, by=by, why=why).summary)


@app.command()
def overdue(path: Repository = Path(), environment: Where = "production") -> None:
    """Say when the last night ran, for any scheduler outside of Prefect.

    Exit code 0: in time; 1: it did not run; 2: refused; 3: unavailable.
    """
    from datetime import UTC, datetime

    from ops import eval_overdue, project

    operated = project.load(path)
    found = eval_overdue.check(operated, operated.environment(environment), now=datetime.now(UTC))
    print(found.summary)
    raise typer.Exit(0 if found.ok else 1)


def demo_eval(
    worse: Annotated[
        bool, typer.Option("--worse/--no-worse", help="Does one of the providers get worse?")
    ] = True,
) -> None:
    """Evaluate two weeks of a small shop whose providers write its texts, one of them quietly worse this week.

    Exit code 0: the worse one was found, and nobody else; 1: not so; 3: unavailable.
    """
    from cli import demo_eval as command

    raise typer.Exit(command.demo_eval(worse=worse))
