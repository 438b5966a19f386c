"""An incident of Storage. Source: supabase-operations.md, "Storage Incident"."""

from __future__ import annotations

from ops.checked import Checked
from ops.incident_storage import Act
from tasks import checking
from tasks import incident_latency as latency
from tasks import incident_storage as step
from tasks.runbook import flow


@flow(name="incident-storage", flow_run_name="What is wrong with the Storage of {project} on {environment}")
def incident_storage(
    project: str,
    environment: str = "production",
    act: Act = Act.LOOK,
    reason: str = "",
    whole: bool = False,
) -> Checked:
    """Find what is wrong with buckets, policies, objects and signed URLs, and upload from a backup what is lost.

    **When** files are missing, broken, refused or seen by whom they are not for, by whoever is on call.
    **Needs** `[environments.NAME.storage]`, the committed contract (`runbooks storage declare`), and a `database`.
    **Touches** nothing; with act re-upload, once approved, the objects that are missing or wrong, and nothing else.
    **If it stops halfway** run it again: it looks at everything anew, and goes on with what was approved.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        act: Only to look; or then to upload again what is missing or wrong, from the backup (re-upload); or to give up
            a re-upload that was begun, so that nobody goes on with it (abandon).
        reason: Why objects are uploaded again, or that is given up, for those who approve and for the record.
        whole: Read every object whole, and not only a sample.
    """
    plan = step.plan_incident(project, environment, act, reason, whole)

    with step.opened(plan) as found:
        checking.reach(found)
        step.check_buckets(found)
        step.check_objects(found)
        step.check_signed(found)
        step.check_lifecycle(found)
        step.check_backup(found)
        step.check_begun(found)
        latency.check_suspects(found)

        checking.list_findings(found)
        if plan.act is Act.LOOK:
            return checking.hand_off(found)
        latency.hand_on(found)

        if plan.act is Act.ABANDON:
            begun = step.find_begun(found)
            if begun.due:
                step.approve_abandoning(begun)

                step.abandon(begun)
            step.prove_abandoned(begun)
            return step.record_abandoned(begun)

        uploads = step.find_uploads(found)
        if uploads.due:
            step.approve(uploads)

            step.upload(uploads)
        step.prove_uploads(uploads)
        return step.record(uploads)
