"""The commands of those who decide, of those who say who may, and of those who look at it afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

approvers = typer.Typer(help="The people who may approve.", no_args_is_help=True)
audit = typer.Typer(help="The audit log of an environment.", no_args_is_help=True)

_Run = Annotated[str, typer.Argument(metavar="RUN", help="Its id, the beginning of it, or its name.")]
_As = Annotated[str, typer.Option("--as", metavar="NAME", help="Your name, as you were enrolled.")]
_Who = Annotated[str, typer.Option("--as", metavar="NAME", help="Your name.")]
_Code = Annotated[
    str, typer.Option(metavar="NAME_OF_SECRET", help="Where your code is; by default you are asked.")
]
_Note = Annotated[str, typer.Option(help="Remark for the record.")]
_Why = Annotated[str, typer.Option("--note", help="The reason, for the record.")]
_Environment = Annotated[str, typer.Option(help="An environment of the project's runbooks.toml.")]
_Project = Annotated[Path, typer.Option("--project", help="A repository with a runbooks.toml.")]
_HERE = Path()


def add_to(app: typer.Typer) -> None:
    """Add these commands to the whole."""
    app.add_typer(approvers, name="approvers")
    app.add_typer(audit, name="audit")
    for name, command in (
        ("approvals", _approvals),
        ("request", _request),
        ("approve", _approve),
        ("reject", _reject),
        ("break-glass", _break_glass),
        ("acknowledge", _acknowledge),
    ):
        app.command(name)(command)


def _approvals() -> None:
    """Show the runs that wait for somebody, and what each asks."""
    from cli import gates

    raise typer.Exit(gates.approvals())


def _request(run: _Run, name: _As, code: _Code = "", note: _Note = "") -> None:
    """Say, and prove, that you ask for a run's plan; somebody else approves it."""
    from cli import gates

    raise typer.Exit(gates.request(run, name, code, note))


def _approve(run: _Run, name: _As, code: _Code = "", note: _Note = "") -> None:
    """Approve exactly the plan that a run waits with."""
    from cli import gates

    raise typer.Exit(gates.decide(run, "approve", name, code, note))


def _reject(run: _Run, name: _As, note: _Why, code: _Code = "") -> None:
    """Reject the plan that a run waits with; the run ends."""
    from cli import gates

    raise typer.Exit(gates.decide(run, "reject", name, code, note))


def _break_glass(run: _Run, name: _As, note: _Why, code: _Code = "") -> None:
    """Decide alone in an emergency: everybody is told, and somebody else reviews it."""
    from cli import gates

    raise typer.Exit(gates.decide(run, "break-glass", name, code, note))


def _acknowledge(run: _Run, name: _Who, note: _Note = "") -> None:
    """Say that you look after a run that ended badly or waits, so that it goes up no level."""
    from cli import gates

    raise typer.Exit(gates.acknowledge(run, name, note))


@approvers.command("add")
def _add(name: str, environment: _Environment, project: _Project = _HERE) -> None:
    """Enrol somebody, and show a QR code for their authenticator, once."""
    from cli import people

    raise typer.Exit(people.add(project, environment, name))


@approvers.command("remove")
def _remove(name: str, environment: _Environment, project: _Project = _HERE) -> None:
    """Remove somebody, as after a lost device."""
    from cli import people

    raise typer.Exit(people.remove(project, environment, name))


@approvers.command("list")
def _list(environment: _Environment, project: _Project = _HERE) -> None:
    """Show who may approve."""
    from cli import people

    raise typer.Exit(people.show(project, environment))


@audit.command("verify")
def _verify(environment: _Environment, project: _Project = _HERE) -> None:
    """Check that the log is what was written: its hashes, its copy, its guard.

    Exit code 0: whole; 1: not; 2: refused; 3: unavailable.
    """
    from cli import audit as command

    raise typer.Exit(command.verify(project, environment))


@audit.command("show")
def _show(environment: _Environment, project: _Project = _HERE) -> None:
    """Show what was asked and decided."""
    from cli import audit as command

    raise typer.Exit(command.show(project, environment))


@audit.command("review")
def _review(
    number: int, environment: _Environment, name: _As, note: _Why, code: _Code = "", project: _Project = _HERE
) -> None:
    """Say that you have looked at a broken glass that was not yours."""
    from cli import audit as command

    raise typer.Exit(command.review(project, environment, number, name, code, note))


@audit.command("override")
def _override(
    commit: str, environment: _Environment, name: _As, note: _Why, code: _Code = "", project: _Project = _HERE
) -> None:
    """Record that a commit is merged though the gate of its pull request says no; somebody else reviews it."""
    from cli import audit as command

    raise typer.Exit(command.override(project, environment, commit, name, code, note))
