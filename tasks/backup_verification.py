"""The steps of the nightly look at the backups."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import backup_verification, backup_verification_checks, backup_verification_end
from ops.backup_verification import VerificationPlan, Verifying
from tasks import progress
from tasks.recording import recorded
from tasks.step import step

plan_verification = step(
    backup_verification.plan,
    title="Plan a look at the backups of {environment}",
    evidence="verification-plan",
)
ask_server = step(
    backup_verification_checks.ask_server,
    title="Ask the server how far it archives",
    evidence="backups-server",
    stops=False,
)
find_backups = step(
    backup_verification_checks.find_backups, title="Find the backups", evidence="backups-found", stops=False
)
check_age = step(
    backup_verification_checks.check_age,
    title="Check the last backup's age",
    evidence="backups-age",
    stops=False,
)
check_wal = step(
    backup_verification_checks.check_wal,
    title="Check that WAL goes on up to now",
    evidence="backups-wal",
    stops=False,
)
check_window = step(
    backup_verification_checks.check_window,
    title="Check the window of points in time",
    evidence="backups-window",
    stops=False,
)
check_drill = step(
    backup_verification_checks.check_drill,
    title="Check when a drill has passed",
    evidence="backups-drill",
    stops=False,
)
hand_off = step(
    backup_verification_end.hand_off, title="Hand off the look at the backups", evidence="backup-verification"
)
record_broken = step(
    backup_verification_end.hand_off_broken,
    title="Tell that the backups could not be verified",
    evidence="backups-broken",
    stops=False,
    retry=False,
)

_read_backup = step(
    backup_verification_checks.read_backup,
    title="Read the last backup whole",
    evidence="backups-read",
    stops=False,
)


def read_backup(verifying: Verifying) -> None:
    """Read the last backup whole, and show how far it has come."""
    _read_backup(verifying, progress.counted())


def opened(plan: VerificationPlan) -> AbstractContextManager[Verifying]:
    """Open the run's bundle; whatever ends the block, it is sealed, and people know."""
    return recorded(
        partial(backup_verification.opened, plan),
        kind="backup-verification",
        out=plan.out,
        broken=record_broken,
    )
