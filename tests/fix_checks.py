"""An environment that scheduled checks look at, with a real database, and who is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prefect.client.schemas.objects import FlowRun

from deployments import runs
from ops import bundle, check_end, errors
from ops.check_looks import Check
from ops.checked import Checked, Reported
from tasks import checking as step
from tests import projects
from tests.fix_stack import Desk
from tests.fix_webhook import webhook

CONFIG = """\
[project]
manager = "file:{manager}"

[environments.production]
database = "file:{secret}"
{more}
"""


@dataclass
class Checkup:
    """A project whose production is checked."""

    project: Path
    admin: str
    heard: list[dict[str, str]]
    checks: Sequence[Check] = ()

    def configure(self, more: str) -> None:
        """Write the configuration with these lines of production's."""
        named = {name: self.project.parent / name for name in ("manager", "secret")}
        text = CONFIG.format(**named, more=more)
        (self.project / "runbooks.toml").write_text(text, "utf-8")

    def run(self, kind: str = "daily-checks") -> Checked:
        """Look with the checks that the test is about; a verdict that fails the run is returned as well."""
        plan = step.plan_checks(str(self.project), "production", kind=kind)
        try:
            with step.opened(plan) as state:
                step.reach(state)
                for each in self.checks:
                    each(state)
                found = step.hand_off(state)
        except errors.CheckFailed as error:
            found = error.evidence
        assert isinstance(found, Checked)
        return found

    def look(self, *, flow: Callable[..., Any]) -> Checked:
        """Run a whole flow."""
        try:
            found = flow(str(self.project))
        except errors.CheckFailed as error:
            found = error.evidence
        assert isinstance(found, Checked)
        return found

    def kinds(self) -> list[str]:
        """Return the kinds of what a run finds."""
        return [each.kind for each in self.run().report.findings]

    def the(self, kind: str) -> Reported:
        """Return the one finding of this kind."""
        (found,) = [each for each in self.run().report.findings if each.kind == kind]
        return found

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """Run a statement as a superuser."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []


def written(found: Checked) -> dict[str, Any]:
    """Return the report as it lies in the bundle."""
    assert found.bundle
    return json.loads((Path(found.bundle) / check_end.RESULT).read_text("utf-8"))


def run_deployed(desk: Desk, project: Path, runbook: str, **chosen: object) -> FlowRun:
    """Run a deployed check to its end."""
    parameters = {"project": str(project), "environment": "production", **chosen}
    started = runs.trigger(desk.stack, runbook, parameters)
    *_, ended = runs.follow(desk.stack, started.id)
    assert isinstance(ended, FlowRun)
    return ended


def report(project: Path, run: FlowRun) -> dict[str, Any]:
    """Return the report that a run left in its bundle."""
    kept = bundle.of_run(project, str(run.id))
    assert kept
    return json.loads((kept / "checks.json").read_text("utf-8"))


@contextmanager
def looking_at(admin: str, folder: Path) -> Generator[Checkup]:
    """Yield a project whose production is the database behind this DSN of a superuser."""
    with webhook() as (url, heard):
        for name, value in (("manager", url), ("secret", admin)):
            (folder / name).write_text(value, "utf-8")
        project = projects.write(folder / "app", migrations={}, config="")
        made = Checkup(project, admin, heard)
        made.configure("")
        yield made


@pytest.fixture
def checkup(shaped_admin: str, tmp_path: Path) -> Generator[Checkup]:
    """A project with a fresh shaped database, which a superuser looks at."""
    with looking_at(shaped_admin, tmp_path) as made:
        yield made
