"""What a promotion is going to do, read from files: the change, this environment's overlay, and under which conditions.

Source: database-pipeline.md, "How to Promote to Production".
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict

from ops import change, errors, migrations, overlays, plan, project
from ops.change import Change
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.project import Environment, Project
from ops.promotion_choices import PromotionChoices


class PromotionPlan(Evidence):
    """The files of a change and where it goes; `emergency` is why some conditions are waived, if they are."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    migrations: tuple[Migration, ...]
    overlays: tuple[Migration, ...]
    overlooked: tuple[str, ...]
    change: Change
    commit: str | None
    confirmation: str
    choices: PromotionChoices
    emergency: str = ""
    emergency_version: str = ""
    out: Path


def promotion(path: str, environment: str, confirmation: str, choices: PromotionChoices) -> PromotionPlan:
    """Read the project and say what a promotion of it would do; reads files only.

    Raises:
        Refused: the project, its configuration or the environment has a mistake.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    if not where.database:
        raise errors.Refused(
            f"The environment {where.name!r} has no database, so nothing can be promoted there. "
            "Name one in runbooks.toml."
        )
    found = migrations.find(operated)
    over = overlays.find(operated, where)
    return PromotionPlan(
        ok=True,
        summary=f"{operated.name}: {len(found)} migration files and {len(over)} of the overlay of {where.name}, "
        f"to be promoted there as far as they are pending.",
        rows=tuple({"file": each.file, "sha256": each.sha256} for each in (*found, *over)),
        project=operated,
        environment=where,
        migrations=found,
        overlays=over,
        overlooked=migrations.skipped(operated),
        change=change.of(operated, where, found, over),
        commit=plan.commit(operated.root),
        confirmation=confirmation,
        choices=choices,
        out=Path(choices.out) if choices.out else operated.root,
    )
