"""The morning's look at whether the night's evaluation has run; people are told once per change.

Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ConfigDict

from ops import backup_memory, errors, eval_overdue, project, telling
from ops.backup_memory import Key
from ops.backups import Problem
from ops.bundle import Bundle
from ops.eval_overdue import Silence
from ops.evidence import Evidence
from ops.project import Environment, Project

RESULT = "eval-watch.json"
_MEMORY = "evals"


class WatchPlan(Evidence):
    """Whose nights are looked for."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    out: Path


class Watched(Evidence):
    """What is overdue, and who was told."""

    at: datetime
    problems: tuple[Problem, ...] = ()
    told: tuple[str, ...] = ()
    bundle: str | None = None


class Watching:
    """A run that looks for the nights of one environment."""

    def __init__(self, plan: WatchPlan, run: str) -> None:
        self.plan = plan
        self.run = run
        self.now = datetime.now(UTC)
        self.bundle: Bundle | None = None
        self.concluded: Watched | None = None
        self.silence: Silence | None = None


def plan(path: str, environment: str) -> WatchPlan:
    """Read the project and say whose nights are looked for; reads files only.

    Raises:
        Refused: the environment says nothing about evaluation.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    if where.eval is None:
        raise errors.Refused(
            f"{where.name} says nothing about evaluation, so that no night can be missing. Add "
            f"[environments.{where.name}.eval] to runbooks.toml."
        )
    return WatchPlan(
        ok=True,
        summary=f"The nights of {operated.name} on {where.name} are looked for: at most "
        f"{operated.eval.most_silence} of silence.",
        project=operated,
        environment=where,
        out=operated.root,
    )


@contextmanager
def opened(plan: WatchPlan, run: str) -> Generator[Watching]:
    """Open a look; the database is first asked when it is its turn."""
    yield Watching(plan, run)


def check(watching: Watching) -> Silence:
    """Ask the database when each scheduled kind last evaluated.

    Raises:
        OpsError: as `eval_overdue.check` does.
    """
    watching.silence = eval_overdue.check(watching.plan.project, watching.plan.environment, now=watching.now)
    return watching.silence


def hand_off(watching: Watching) -> Watched:
    """Write what is overdue into the bundle, and tell people what is new and what is over."""
    found = watching.silence
    return _handed_off(watching, found.problems if found else (), found.summary if found else "")


def hand_off_broken(watching: Watching, error: errors.OpsError) -> Watched:
    """Hand off a look that could not be taken: nobody knows then whether a night is missing."""
    said = f"Nobody knows whether the evaluation has run: {error}"
    problem = Problem(
        kind="unknown", object="evaluation", said=said, todo="Mend that and start eval-watch again."
    )
    return _handed_off(watching, (problem,), said)


def _handed_off(watching: Watching, problems: tuple[Problem, ...], said: str) -> Watched:
    plan = watching.plan
    result = Watched(
        ok=not problems,
        summary=f"{plan.project.name} on {plan.environment.name}: {said}",
        rows=tuple({"problem": each.kind, "said": each.said, "todo": each.todo} for each in problems),
        at=watching.now,
        problems=problems,
        told=_tell(watching, problems),
        bundle=str(watching.bundle.path) if watching.bundle else None,
    )
    if watching.bundle:
        watching.bundle.write_json(RESULT, result.model_dump(mode="json", exclude={"rows", "idle", "bundle"}))
        watching.bundle.seal()
    watching.concluded = result
    return result


def _tell(watching: Watching, problems: tuple[Problem, ...]) -> tuple[str, ...]:
    """Tell once per change; whom nobody could tell is told the next time."""
    plan = watching.plan
    memory = backup_memory.read(plan.out, plan.environment.name, now=watching.now, about=_MEMORY)
    now, before = {(each.kind, each.object): each for each in problems}, set(memory.told)
    if before == now.keys():
        return ()
    told = telling.tell(plan.project, plan.environment, _text(watching, now, before))
    if told.reached:
        remembered = memory.model_copy(update={"told": tuple(sorted(now))})
        backup_memory.write(plan.out, plan.environment.name, remembered, about=_MEMORY)
    return told.said


def _text(watching: Watching, now: dict[Key, Problem], before: set[Key]) -> str:
    plan = watching.plan
    state = "DID NOT RUN" if now else "RUNS AGAIN"
    return telling.change(
        f"EVALUATION {state}: {plan.project.name} on {plan.environment.name}.",
        new=(f"{each.said} {each.todo}" for each in now.values()),
        still=(),
        gone=(f"{kind} ({where})" for kind, where in sorted(before - now.keys())),
        evidence=str(watching.bundle.path) if watching.bundle else "",
    )
