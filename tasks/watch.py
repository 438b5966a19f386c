"""The step that watches a database after a change."""

from __future__ import annotations

from ops import watch
from ops.project import Environment
from ops.watch import Baseline, Watched
from ops.watch_looks import Connect
from tasks import progress
from tasks.step import step


def _watch(connect: str | Connect, environment: Environment, before: Baseline) -> Watched:
    """Watch a database for as long as its environment says, and show how far that is."""
    return watch.run(connect, environment, before, progress=progress.over("the watch"))


# It outlives a lost connection by itself, and a second watch would begin when the first one's findings are over.
watch_database = step(_watch, title="Watch {environment.name}", evidence="watch", stops=False, retry=False)
