"""The steps of making a base backup."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import base_backup, base_backup_end, base_backup_keep, base_backup_take
from ops.base_backup import BackupPlan, Taking
from tasks import progress
from tasks.recording import recorded
from tasks.step import step

plan_backup = step(base_backup.plan, title="Plan a base backup of {environment}", evidence="base-backup-plan")
check_server = step(
    base_backup.check_server, title="Check the server and its archiving", evidence="archiving", stops=False
)
check_room = step(base_backup.check_room, title="Check the room on disk", evidence="backup-room")
await_wal = step(
    base_backup_take.await_wal, title="Wait for the backup's WAL", evidence="backup-wal", stops=False
)
remove_old = step(
    base_backup_keep.remove_old, title="Remove what nothing needs", evidence="backups-kept", stops=False
)
hand_off = step(base_backup_end.hand_off, title="Hand off the backup", evidence="base-backup")

_take = step(
    base_backup_take.take, title="Make and verify a base backup", evidence="backup-made", retry=False
)


def take_backup(taking: Taking) -> None:
    """Make the backup, and show how far it has come."""
    _take(taking, progress.counted())


def opened(plan: BackupPlan) -> AbstractContextManager[Taking]:
    """Open the run's bundle, alone for the folder of backups; whatever ends the block, it is sealed."""
    return recorded(partial(base_backup.opened, plan), kind="base-backup", out=plan.out)
