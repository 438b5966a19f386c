"""Whether overlays of other environments are in place: by what the journal says, and not by what files there are now.

Source: phase2-rollout-and-eval.md, "Environment overlays".
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from ops import database, migrations, overlays, queries
from ops.overlays import Applied
from ops.promoting import Promoting


@dataclass(frozen=True, slots=True)
class Strange:
    """Overlays in place that are not this environment's; `unknown` are those of which nothing says whose they are."""

    others: tuple[str, ...]
    unknown: tuple[str, ...]


def strange(promoting: Promoting) -> Strange:
    """Return which overlays are in place that this environment does not have, and never had."""
    plan = promoting.plan
    own = {each.file for each in plan.overlays}
    left = [each for each in overlays.applied(promoting.connection) if each.file not in own]
    planned = _planned(promoting) if left else {}
    others: list[str] = []
    unknown: list[str] = []
    for each in left:
        whose = _whose(promoting, each, planned)
        if not whose:
            unknown.append(each.file)
        elif plan.environment.name not in whose:
            others.append(f"{each.file} (of {', '.join(sorted(whose))})")
    return Strange(tuple(sorted(others)), tuple(sorted(unknown)))


def _whose(promoting: Promoting, applied: Applied, planned: dict[tuple[str, str], set[str]]) -> set[str]:
    """Return of which environments an overlay is: as it was applied, else by a plan, else by the files of now."""
    if applied.environment:
        return {applied.environment}
    return planned.get((applied.file, applied.sha256)) or _configured(promoting, applied)


def _planned(promoting: Promoting) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    with database.translating():
        if promoting.connection.execute(queries.load("promotions/exists")).fetchone() == (True,):
            for file, sha256, name in promoting.connection.execute(queries.load("promotions/overlays")):
                found[file, sha256].add(name)
    return found


def _configured(promoting: Promoting, applied: Applied) -> set[str]:
    """A file that was renamed is known by its bytes."""
    project = promoting.plan.project
    return {
        where.name
        for where in project.environments.values()
        for path in migrations.overlay_files(project, where.overlays)
        if path.relative_to(project.root).as_posix() == applied.file or _sha256(path) == applied.sha256
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
