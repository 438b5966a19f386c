"""The janitor. Source: design.md, sections 5 and 6."""

from __future__ import annotations

from ops.janitor import Tidied
from tasks import janitor as step
from tasks.runbook import flow


@flow(name="janitor", flow_run_name="Tidy up after {project} on {environment}")
def janitor(project: str, environment: str = "production") -> Tidied:
    """Call runs crashed that died with their machine, close gates that lapsed, and remove what was left behind.

    **When** every few minutes, by a schedule; by hand after a machine was lost.
    **Needs** nothing; with an audit log it closes gates, with `ping` somebody outside hears that it lives.
    **Touches** the state of dead runs, the audit log, folders of dead runs; tells people; never a run that waits.
    **If it stops halfway** run it again: everything is found anew.

    Args:
        project: Path of the operated repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
    """
    plan = step.plan_janitor(project, environment)

    with step.opened(plan) as tidying:
        step.find_dead_runs(tidying)
        step.find_missed(tidying)
        step.mark_crashed(tidying)
        step.tell_untold(tidying)
        step.escalate(tidying)

        step.find_lapsed(tidying)
        step.close_gates(tidying)
        step.remove_leftovers(tidying)

        step.verify_tidy(tidying)
        return step.hand_off(tidying)
