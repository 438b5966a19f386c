"""The staging soak. Source: phase2-rollout-and-eval.md, section 1.5."""

from __future__ import annotations

from ops.soak import Soaked
from tasks import soak as step
from tasks.runbook import flow


@flow(name="staging-soak", flow_run_name="Soak {project} on {environment}")
def staging_soak(project: str, environment: str = "staging", begin: bool = False) -> Soaked:
    """Look once at the rules that a change must hold on staging for a day, and give the verdict when the day is over.

    **When** every 15 minutes after a change was applied to staging, by a schedule; nobody needs to watch.
    **Needs** `[environments.NAME.soak]`, and a source that tells which statements failed.
    **Touches** nothing but its own record in the database; rows and logs are read.
    **If it stops halfway** the next run looks again; a longer time without a look than allowed begins anew.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml` on which the change is applied.
        begin: Begin a new soak of the same change, such as after a failed one.
    """
    plan = step.plan_soak(project, environment, begin=begin)

    with step.opened(plan) as soaking:
        step.find_change(soaking)

        step.look(soaking)

        step.record_look(soaking)
        return step.hand_off_soak(soaking)
