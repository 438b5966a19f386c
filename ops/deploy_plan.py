"""What a deploy gate is going to look at: the project, its environment, the phase and the deploy's id."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ConfigDict

from ops import errors, project
from ops.deploy_choices import GateChoices, Part, Phase
from ops.evidence import Evidence
from ops.project import Environment, Project

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
DATABASE = "env:DATABASE_URL"


class GatePlan(Evidence):
    """One phase of the gate of one deploy; `reference` names the secret of the app's database."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    phase: Phase
    deploy: str
    only: tuple[Part, ...]
    commit: str
    deployed_at: datetime | None
    restarted_at: datetime | None
    reference: str
    out: Path

    @property
    def partial(self) -> bool:
        return bool(self.only)


def plan(path: str, environment: str, phase: Phase, deploy: str, choices: GateChoices) -> GatePlan:
    """Read the project and say what its gate would look at; reads files only.

    Raises:
        Refused: the project, its configuration, the environment or the id of the deploy has a mistake.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    reference = where.database or DATABASE
    _check_id(deploy, alone=bool(choices.only))
    parts = ", ".join(choices.only) or "everything"
    return GatePlan(
        ok=True,
        summary=f"{operated.name}: to look at {parts} {phase}-deploy on {where.name}"
        f"{f', deploy {deploy}' if deploy else ''}, with the database of {reference}.",
        project=operated,
        environment=where,
        phase=phase,
        deploy=deploy,
        only=choices.only,
        commit=choices.commit,
        deployed_at=_time(choices.deployed_at, "deployed"),
        restarted_at=_time(choices.restarted_at, "restarted"),
        reference=reference,
        out=Path(choices.out) if choices.out else operated.root,
    )


def _check_id(deploy: str, *, alone: bool) -> None:
    if not deploy and alone:
        return
    if not _ID.fullmatch(deploy):
        raise errors.Refused(
            f"{deploy!r} is no id of a deploy, and both phases are recorded under one. Give letters, digits, "
            "dots, dashes and underscores, such as 2026-01-31 or v1.4.2, with --deploy."
        )


def _time(text: str, what: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise errors.Refused(
            f"{text!r} is no time at which the app was {what}. Write it as 2026-01-31T18:00:00Z."
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
