"""The steps of an incident of Storage."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import (
    incident_storage,
    incident_storage_abandon,
    incident_storage_act,
    incident_storage_backup,
    incident_storage_end,
    incident_storage_looks,
    incident_storage_signed,
    incident_storage_uploads,
    prod_restore_gates,
)
from ops.incident_storage import StorageChecking, StoragePlan
from ops.incident_storage_abandon import Abandoning
from ops.incident_storage_uploads import GATE, Uploads
from tasks import approval, checking, outcomes, progress, runs
from tasks.checking import look
from tasks.recording import recorded
from tasks.step import step

plan_incident = step(
    incident_storage.plan,
    title="Plan the look at the Storage of {environment}",
    evidence="incident-storage-plan",
)
check_buckets = look(
    incident_storage_looks.check_buckets,
    title="Hold buckets and policies against the contract",
    evidence="storage-buckets",
)
check_objects = look(
    incident_storage_looks.check_objects,
    title="Compare the database with the buckets",
    evidence="storage-objects",
)
check_signed = look(incident_storage_signed.check_signed, title="Try signed URLs", evidence="storage-signed")
check_lifecycle = look(
    incident_storage_looks.check_lifecycle,
    title="Hold ages against the lifecycle",
    evidence="storage-lifecycle",
)
check_backup = look(
    incident_storage_backup.check_backup, title="Look at what the backup has", evidence="storage-backup"
)
check_begun = look(
    incident_storage_uploads.check_begun,
    title="See whether a re-upload is under way",
    evidence="storage-begun",
)
prove_uploads = step(incident_storage_end.prove, title="Prove what was uploaded", evidence="storage-proven")
record = step(incident_storage_end.conclude, title="Record the re-upload", evidence="storage-record")

_find = step(incident_storage_uploads.find, title="Plan the re-upload", evidence="storage-upload-plan")
_act = step(
    incident_storage_act.act,
    title="Upload again what is missing or wrong",
    evidence="storage-uploaded",
    stops=False,
)
abandon = step(incident_storage_abandon.abandon, title="Give up the re-upload", evidence="storage-abandoned")
prove_abandoned = step(
    incident_storage_abandon.prove, title="Prove that it is over", evidence="storage-abandoned-proven"
)
record_abandoned = step(
    incident_storage_abandon.conclude, title="Record what was given up", evidence="storage-abandoned-record"
)
_find_begun = step(
    incident_storage_abandon.find, title="Find the re-upload to give up", evidence="storage-abandon-plan"
)


def opened(plan: StoragePlan) -> AbstractContextManager[StorageChecking]:
    """Open the run's bundle; whatever ends the block, it is sealed, and people know."""
    return recorded(
        partial(incident_storage.opened, plan, id=runs.current().id),
        kind=plan.kind,
        out=plan.out,
        broken=checking.record_broken,
    )


def find_uploads(found: StorageChecking) -> Uploads:
    """Say what is to be uploaded again: what was approved before and is not done, or what the looks have found."""
    uploads = Uploads(found)
    _find(uploads)
    return uploads


def approve(uploads: Uploads) -> None:
    """Return when it is approved; at once where it was begun, and the audit log or its copy has the approval of that.

    Its record ends with what the log has of it.

    Raises:
        Denied: somebody said no, or nobody answered: nothing was uploaded.
        Refused: what was begun is not what its record says, or was given up; or the environment is guarded, and this
            run has no deployment.
    """
    if uploads.begun:
        plan = uploads.checking.plan
        approval.refuse_bare(plan.project.root, plan.environment, "the re-upload")
    if not (uploads.begun and incident_storage_uploads.verify_approved(uploads)):
        uploads.approved = prod_restore_gates.answered(approval.approve(uploads, GATE))
        incident_storage_uploads.verify_approved(uploads)
    outcomes.expect(uploads.proposal(GATE), runs.current().id, partial(incident_storage_uploads.end, uploads))


def find_begun(found: StorageChecking) -> Abandoning:
    """Find the re-upload that was begun and has not ended, as the run that is under way."""
    abandoning = Abandoning(Uploads(found))
    _find_begun(abandoning)
    return abandoning


def approve_abandoning(abandoning: Abandoning) -> None:
    """Return when enough of the right people say that it is given up.

    Raises:
        Denied: somebody said no, or nobody answered: it stays open.
    """
    answered = approval.approve(abandoning, incident_storage_abandon.GATE)
    abandoning.approved = prod_restore_gates.answered(answered)


def upload(uploads: Uploads) -> None:
    """Upload the objects, and show how far it has come."""
    _act(uploads, progress.counted())
