"""A person erased on request. Source: supabase-operations.md, "Compliance & Access Control"."""

from __future__ import annotations

from ops.gdpr_erasure import ErasureChoices
from ops.gdpr_erasure_end import ErasureResult
from tasks import approval
from tasks import gdpr_erasure as step
from tasks.runbook import flow


@flow(name="gdpr-erasure", flow_run_name="Erase a subject of {project} on {environment}")
def gdpr_erasure(
    project: str, environment: str, subject: str, choices: ErasureChoices = ErasureChoices()
) -> ErasureResult:
    """Erase a person's rows, or take from them what identifies that person, and prove that nothing is left.

    **When** somebody asks to be erased, and has proven to be that person.
    **Needs** `[erasure]`, a key for its hash, and a secret on the worker that holds the subject's identifier.
    **Touches** the subject's rows in the declared tables, in one transaction; it cannot be put back.
    **If it stops halfway** retry the run: nothing was erased, or all of it, and then it is proven and logged.

    Args:
        project: Path of the operated repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        subject: Secret reference of the identifier, env:NAME or file:PATH; never the identifier itself.
        choices: The number of the request, and where the evidence goes.
    """
    plan = step.plan_erasure(project, environment, subject, choices)

    with step.opened(plan) as erasing:
        step.find_rows(erasing)
        if erasing.due:
            approval.approve(erasing, "gdpr-erasure")

            step.erase(erasing)
        step.verify_erased(erasing)
        step.log_completion(erasing)
        return step.record(erasing)
