"""The rehearsal through a real Prefect server, worker and deployment, for the benchmark."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prefect.client.schemas.objects import FlowRun

from deployments import runs, stack

DEPLOYMENT = "staging-rehearsal/throw-away"


@dataclass(frozen=True)
class Deployed:
    """A running stack with the runbooks deployed."""

    stack: stack.Stack

    @classmethod
    @contextmanager
    def running(cls, root: Path) -> Generator[Deployed]:
        """Start the stack, which is not part of what is measured: a team has it running."""
        with stack.running(root=root) as found:
            yield cls(found)

    def rehearse(self, where: Path, out: Path) -> None:
        """Run the deployment once and wait for its end."""
        choices = {"require_rollback": True, "out": str(out)}
        run = runs.trigger(self.stack, DEPLOYMENT, {"project": str(where), "choices": choices})
        *_, ended = runs.follow(self.stack, run.id)
        if not (isinstance(ended, FlowRun) and ended.state and ended.state.is_completed()):
            raise RuntimeError(f"the deployed rehearsal did not complete: {ended}")
