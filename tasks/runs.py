"""The run that is under way: Prefect's, or one of this process."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class Run:
    """A run's identity; `attempt` counts from 1 and `suspends` says that it can wait without a process."""

    id: str
    name: str
    attempt: int = 1
    suspends: bool = False


def current(kind: str = "rehearse") -> Run:
    """Return the Prefect flow run that this is called in, or a new one of this process, named after its `kind`."""
    module = sys.modules.get("prefect.context")
    context = module.FlowRunContext.get() if module else None
    if context is None or context.flow_run is None:
        own = uuid4().hex[:12]
        return Run(id=own, name=f"{kind}-{own}")
    found = context.flow_run
    return Run(
        id=str(found.id),
        name=found.name,
        attempt=max(1, found.run_count),
        suspends=found.deployment_id is not None,
    )
