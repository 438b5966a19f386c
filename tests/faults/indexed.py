"""The indexes of an incident, built in a process of its own that can be killed."""

from __future__ import annotations

import multiprocessing
from multiprocessing.process import BaseProcess
from pathlib import Path

from ops import incident_indexes, incident_indexes_act, incident_indexes_end, incident_latency
from ops.incident_indexes import Indexing
from ops.incident_latency import Act
from tasks import checking as step
from tests import fix_indexes
from tests.fix_indexes import WHY

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload([__name__])
# What was approved belongs to a run, whichever process goes on with it.
RUN = "the-run"


def begin(project: Path) -> BaseProcess:
    """Build in another process, as a run does once its gate is passed."""
    process = _FORKSERVER.Process(target=build, args=(project,))
    process.start()
    return process


def build(project: Path) -> None:
    plan = incident_latency.plan(str(project), "production", Act.INDEX, WHY)
    with step.opened(plan) as found:
        made = Indexing(found, plan, RUN)
        incident_indexes.find(made)
        if made.due:
            assert incident_indexes_act.act(made, fix_indexes.quiet).ok
            proven = incident_indexes_end.prove(made)
            assert proven.ok, proven.summary
