"""The nightly base backup. Source: supabase-operations.md, "Backup & Restore"."""

from __future__ import annotations

from ops.base_backup import Taken
from tasks import base_backup as step
from tasks.runbook import flow


@flow(name="base-backup", flow_run_name="Back up {project} on {environment}")
def base_backup(project: str, environment: str = "production", full: bool = False) -> Taken:
    """Make a base backup that is whole before it has a name, and remove what nothing needs any more.

    **When** every night, by a schedule; nobody needs to watch.
    **Needs** `[environments.NAME.backups.physical]`, a login that may replicate, and a server that archives its WAL.
    **Touches** the folder of backups and the archive of WAL; of the server everything is only read.
    **If it stops halfway** run it again: what was not whole is removed, and was never taken for a backup.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml` that has physical backups.
        full: Make a full backup also where an incremental one would do.
    """
    plan = step.plan_backup(project, environment, full=full)

    with step.opened(plan) as taking:
        step.check_server(taking)
        step.check_room(taking)

        step.take_backup(taking)

        step.await_wal(taking)
        step.remove_old(taking)
        return step.hand_off(taking)
