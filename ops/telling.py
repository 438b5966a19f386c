"""Who is told of an environment, at the manager's and its own webhook, and what a change looks like in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from ops import secrets, webhook
from ops.project import Environment, Project

_WITHIN = timedelta(seconds=10)
_told: set[str] = set()


@dataclass(frozen=True, slots=True)
class Told:
    """What became of telling: a sentence for each who should know; `reached` is false where nobody could be told."""

    said: tuple[str, ...]
    reached: bool


def tell(project: Project, environment: Environment, text: str) -> Told:
    """Post a text to the project's manager and to the environment's people; never raises."""
    whom = {"manager": project.manager, "team": environment.notify}
    answers = [
        webhook.tell(name, named, text, timeout=_WITHIN) for name, named in whom.items() if named is not None
    ]
    if not answers:
        return Told(("No webhook is configured, so nobody was told.",), reached=True)
    mark(named for named, each in zip(filter(None, whom.values()), answers, strict=True) if each.ok)
    return Told(tuple(each.summary for each in answers), reached=any(each.ok for each in answers))


def mark(references: Iterable[str]) -> None:
    """Remember that a runbook has told these webhooks what came of this run, so that nobody tells them again."""
    _told.update(references)


def told() -> frozenset[str]:
    """Return the references of the webhooks that were told in this process what came of its run."""
    return frozenset(_told)


def change(
    headline: str, *, new: Iterable[str], still: Iterable[str], gone: Iterable[str], evidence: str = ""
) -> str:
    """Return what to tell: what is new, what is as before and what is over, without markup and secrets."""
    lines = [headline, *(f"• {each}" for each in new), *(f"• As before: {each}" for each in still)]
    lines += [f"• Not any more: {each}." for each in gone]
    lines += [f"Evidence: {evidence}"] if evidence else []
    escaped = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return secrets.redact(escaped)
