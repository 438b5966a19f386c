"""The nightly look at the backups. Source: supabase-operations.md, "Daily" and "Weekly"."""

from __future__ import annotations

from ops.backup_verification import VerifiedBackups
from tasks import backup_verification as step
from tasks.runbook import flow


@flow(name="backup-verification", flow_run_name="Verify the backups of {project} on {environment}")
def backup_verification(project: str, environment: str = "production") -> VerifiedBackups:
    """Look whether there is a backup, recent, whole and readable, with WAL up to now, and whether a drill has passed.

    **When** every night, by a schedule, after the backup was made; nobody needs to watch.
    **Needs** `[environments.NAME.backups]`; with a database it also knows how far the server has archived.
    **Touches** nothing but its own memory beside the evidence; backups, WAL and the server are only read.
    **If it stops halfway** run it again: it looks at everything anew.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml` that has a source of backups.
    """
    plan = step.plan_verification(project, environment)

    with step.opened(plan) as verifying:
        step.ask_server(verifying)
        step.find_backups(verifying)
        step.check_age(verifying)
        step.check_wal(verifying)
        step.read_backup(verifying)
        step.check_window(verifying)
        step.check_drill(verifying)
        return step.hand_off(verifying)
