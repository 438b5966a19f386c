"""The `runbooks` command: it parses, calls and prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import auditing, backups, deciding, evals, releases, rolling_back, standing, starting
from ops import errors, redaction, secrets
from ops.choices import Choices, PullRequestChoices
from ops.deploy_choices import GateChoices, Phase
from ops.verdict import Verdict

app = typer.Typer(
    name="runbooks",
    help="The operations runbooks of a team that runs production on Supabase.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
evidence = typer.Typer(help="Evidence bundles.", no_args_is_help=True)
app.add_typer(evidence, name="evidence")
deciding.add_to(app)
releases.add_to(app)
rolling_back.add_to(app)
starting.add_to(app)
standing.add_to(app)
backups.add_to(app)
evals.add_to(app)
auditing.add_to(app)
schema = typer.Typer(help="What an app needs of its database.", no_args_is_help=True)
app.add_typer(schema, name="schema")

Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result as one JSON object.")
]


@app.command()
def rehearse(
    path: Annotated[Path, typer.Argument(help="A repository with a supabase folder.")],
    environment: Annotated[str, typer.Option(help="An environment of its runbooks.toml.")] = "throw-away",
    database: Annotated[
        str,
        typer.Option(
            metavar="NAME_OF_SECRET", help="Rehearse in place on this DSN: env:NAME, file:PATH, command:LINE."
        ),
    ] = "",
    bindir: Annotated[str, typer.Option(help="Binaries of another Postgres for the throw-away server.")] = "",
    everything: Annotated[
        bool,
        typer.Option("--all/--only-pending", help="Rehearse all files from nothing, or what is pending."),
    ] = False,
    chain: Annotated[
        bool, typer.Option("--chain", help="Also roll the whole chain back and apply it again.")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="After a failed migration try the others.")
    ] = False,
    require_rollback: Annotated[
        bool, typer.Option("--require-rollback", help="A missing rollback script fails the verdict.")
    ] = False,
    overlay: Annotated[
        str,
        typer.Option(
            metavar="ENVIRONMENT", help="Rehearse the overlay of this one too; in place, by default its own."
        ),
    ] = "",
    json_file: Json = None,
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the evidence; default: the project's own.")
    ] = "",
) -> None:
    """Rehearse a project's migrations, prove each rollback, and leave an evidence bundle.

    Exit code 0: everything holds; 1: something is wrong; 2: refused; 3: unavailable.
    """
    from cli import rehearse as command

    choices = Choices(
        database=database, bindir=bindir, everything=everything, chain=chain, keep_going=keep_going,
        require_rollback=require_rollback, overlay=overlay, out=out,
    )  # fmt: skip
    raise typer.Exit(command.rehearse(path, environment, choices, json_file=json_file))


@app.command(name="pr-gate")
def pr_gate(
    path: Annotated[
        Path, typer.Argument(help="A repository with a supabase folder, the branch checked out.")
    ],
    base: Annotated[
        str, typer.Option(metavar="REF", help="What the branch is to be merged into.")
    ] = "origin/main",
    environment: Annotated[
        str, typer.Option(help="A throw-away environment of its runbooks.toml.")
    ] = "throw-away",
    staging: Annotated[
        str,
        typer.Option(
            metavar="NAME_OF_SECRET",
            help="Look for drift on this DSN, which is only read: env:NAME, file:PATH, command:LINE, or an "
            "environment that has it.",
        ),
    ] = "",
    bindir: Annotated[str, typer.Option(help="Binaries of another Postgres for the throw-away server.")] = "",
    require_rollback: Annotated[
        bool, typer.Option("--require-rollback", help="A missing rollback script fails the verdict.")
    ] = False,
    json_file: Json = None,
    markdown_file: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="FILE", help="Write the result as Markdown for the pull request."),
    ] = None,
    comment: Annotated[
        bool, typer.Option("--comment", help="Write the result as a comment of the pull request on GitHub.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Set the commit's status on GitHub.")] = False,
    token: Annotated[
        str,
        typer.Option(metavar="NAME_OF_SECRET", help="The GitHub token: env:NAME, file:PATH, command:LINE."),
    ] = "env:GITHUB_TOKEN",  # noqa: S107
    repository: Annotated[
        str, typer.Option(metavar="OWNER/NAME", help="On GitHub; default: what GitHub Actions says.")
    ] = "",
    number: Annotated[int, typer.Option(help="Of the pull request; default: what GitHub Actions says.")] = 0,
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the evidence; default: the project's own.")
    ] = "",
) -> None:
    """Judge a branch: rehearse what it adds to its base, run its verification scripts, look for drift on staging.

    Exit code 0: everything holds; 1: something is wrong; 2: refused; 3: unavailable.
    """
    from cli import pull_request as command

    choices = PullRequestChoices(
        bindir=bindir, require_rollback=require_rollback, comment=comment, status=status, token=token,
        repository=repository, number=number, out=out,
    )  # fmt: skip
    code = command.gate(
        path, base, environment, staging, choices, json_file=json_file, markdown_file=markdown_file
    )
    raise typer.Exit(code)


@app.command()
def compare(
    left: Annotated[str, typer.Argument(metavar="LEFT", help="A DSN: env:NAME, file:PATH, command:LINE.")],
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="The DSN to compare with.")],
    json_file: Json = None,
) -> None:
    """Compare two live schemas, and name every object that differs.

    Exit code 0: equal; 1: different; 2: refused; 3: unavailable.
    """
    from cli import compare as command

    raise typer.Exit(command.compare(left, right, json_file))


@app.command(name="deploy-gate")
def deploy_gate(
    path: Annotated[Path, typer.Argument(help="The app's repository.")],
    environment: Annotated[str, typer.Option(help="An environment of its runbooks.toml.")],
    phase: Annotated[Phase, typer.Option(help="Before the deploy, or after it.")] = Phase.PRE,
    deploy: Annotated[str, typer.Option(metavar="ID", help="The deploy's id, the same in both phases.")] = "",
    only: Annotated[
        str,
        typer.Option(metavar="PARTS", help="Run these alone, such as auth,schema; no verdict on the deploy."),
    ] = "",
    commit: Annotated[str, typer.Option(help="The commit that is deployed; default: git's HEAD.")] = "",
    deployed: Annotated[str, typer.Option(metavar="TIME", help="When it was deployed; default: now.")] = "",
    restarted: Annotated[str, typer.Option(metavar="TIME", help="When the app was restarted.")] = "",
    json_file: Json = None,
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the evidence; default: the project's own.")
    ] = "",
) -> None:
    """Hold a deploy until what it needs is shown, and show afterwards that it works.

    Exit code 0: passed; 1: not passed; 2: refused; 3: unavailable.
    """
    from cli import deploy_gate as command

    choices = GateChoices(
        only=command.parts(only), commit=commit, deployed_at=deployed, restarted_at=restarted, out=out
    )
    raise typer.Exit(command.gate(path, environment, phase, deploy, choices, json_file=json_file))


@schema.command()
def declare(
    database: Annotated[str, typer.Argument(metavar="NAME_OF_SECRET")],
    schemas: Annotated[
        list[str] | None, typer.Option("--schema", help="Only these schemas; default: the project's own.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a new file; default: standard output.")
    ] = None,
) -> None:
    """Write what an app needs of its database, from a database that is right."""
    from cli import declare as command

    raise typer.Exit(command.declare(database, schemas or [], out))


@app.command()
def mark(
    database: Annotated[str, typer.Argument(metavar="NAME_OF_SECRET")],
    environment: Annotated[str, typer.Option(help="Which environment this database is.")],
    rehearse: Annotated[
        bool, typer.Option("--rehearse/--no-rehearse", help="May it be rehearsed on?")
    ] = True,
) -> None:
    """Make a database say which environment it is, and whether it may be rehearsed on."""
    from cli import mark as command

    raise typer.Exit(command.mark(database, environment, rehearse=rehearse))


@evidence.command()
def verify(
    bundle: Path,
    digest: Annotated[str | None, typer.Option(help="The digest that the run printed.")] = None,
) -> None:
    """Check a bundle against its manifest, and name what was changed, added or removed."""
    from cli import evidence as command

    raise typer.Exit(command.verify(bundle, digest=digest))


@app.command()
def run(
    runbook: Annotated[str, typer.Argument(help="A deployed runbook, such as deploy-gate/production.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter; the value may be JSON."),
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--all", help="For each project of the fleet, a few at once, with one report.")
    ] = False,
    fleet: Annotated[Path, typer.Option(metavar="FILE", help="The projects of --all.")] = Path("fleet.toml"),
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report of --all as JSON.")
    ] = None,
) -> None:
    """Start a deployed runbook on the team's Prefect server, and follow it to its end or to its gate.

    Exit code 0: completed, or waits for somebody; 1: failed; 2: refused or rejected; 3: unavailable. With --all it is
    that of the worst.
    """
    if everywhere:
        from cli import fleet as many

        raise typer.Exit(many.run(runbook, settings or [], fleet, json_file))
    from cli import run as command

    raise typer.Exit(command.run(runbook, settings or []))


@app.command()
def demo(
    project: Annotated[Path | None, typer.Argument(help="Another project than the example.")] = None,
    stay: Annotated[bool, typer.Option("--stay", help="Stay up until Ctrl-C, for a look at the UI.")] = False,
) -> None:
    """Rehearse the example through a real Prefect server and worker, and stop everything again."""
    from cli import demo as command

    raise typer.Exit(command.stay(project) if stay else command.demo(project))


def main() -> None:
    """Run the command; a mistake of usage ends with 2, as a refusal does."""
    redaction.install()
    try:
        app()
    except errors.OpsError as error:
        print(secrets.redact(str(error)), file=sys.stderr)
        sys.exit(Verdict.of(error).exit_code)
