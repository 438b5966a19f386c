"""The three ways to restore: a ticket, the Management API, our own backup.

How a server that we host is switched to is its owner's: docs/decisions/0012-a-restore-is-handed-over.md.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any, Protocol

from ops import backup_source, database, errors, management_api, prod_restore_facts, write_pause
from ops.backups import Backup, Source, Timings
from ops.evidence import Evidence
from ops.prod_restore import Restoring, Way
from ops.project import Environment
from ops.recovery_target import RecoveryTarget, TargetKind

_PAUSE = 1.0
_WITHIN = timedelta(hours=4)


class PointInTime(Protocol):
    """What the Management API can do with one hosted project."""

    def restore(self, at: datetime) -> None:
        """Begin to restore the project, in place, to a moment; returns once that is under way."""
        ...

    def ready(self) -> bool:
        """Whether the project is up, and no restore is under way; raises CheckFailed where one has failed."""
        ...


def instructions(restoring: Restoring) -> tuple[str, ...]:
    """Return what a person does by hand, step by step."""
    plan = restoring.plan
    at = plan.target.at.isoformat() if plan.target.at else str(plan.target)
    if plan.choices.way is Way.TICKET:
        return (
            f"Open a ticket at Supabase's support: restore this project to {at}, in place, by point-in-time recovery.",
            "Write down the ticket's number, when you opened it, and when support confirmed exactly this target.",
            "Wait until support says that it is done, and the project is up again.",
        )
    if plan.choices.way is Way.API:
        return (f"The runbook calls the Management API to restore the project to {at}, in place.",)
    backup = restoring.offer.get("backup", "the last backup before the target")
    wanted = {**plan.target.settings, "recovery_target_action": "promote"}
    settings = ", ".join(f"{name} = '{value}'" for name, value in wanted.items())
    return (
        f"Restore {backup} into a NEW data directory beside the old one; leave the old server and its data alone.",
        f"Set there: {settings}, a restore_command, archive_mode = 'off', and a port of its own; make recovery.signal.",
        "Set default_transaction_read_only = 'on' there too, start it, and wait until it has promoted.",
        "Stop the old server, and let the address of the environment lead to the new one. Once you have confirmed the "
        "restored data, take default_transaction_read_only out again, and reload.",
    )


def offer(restoring: Restoring) -> Evidence:
    """Restore our own backup to the target in a scratch cluster, to see what a switch would bring; it is gone after.

    Raises:
        Refused: the environment has no backups.
        CheckFailed: there is no backup before the target, or it cannot be restored to it.
    """
    if restoring.plan.choices.way is not Way.BACKUP or restoring.restored or restoring.over:
        return Evidence(ok=True, summary="This restore is not by a backup of our own.", idle=True)
    if kept := restoring.said("offer"):
        restoring.offer = kept
        return Evidence(ok=True, summary=_offered(kept), rows=(kept,), idle=True)
    plan = restoring.plan
    source = backup_source.source(plan.project, plan.environment)
    backup = before(source, plan.target)
    within = plan.environment.backups.drill.timeout if plan.environment.backups else _WITHIN
    with (
        source.restored(backup, plan.target, within=within, progress=_untold) as restored,
        database.connect(restored.dsn, application=restoring.site.run) as connection,
        database.translating(),
    ):
        tables = prod_restore_facts.tables(connection, plan.environment)
        found = {
            "backup": backup.id,
            "target": str(restored.target),
            "last commit": restored.last_commit.isoformat() if restored.last_commit else None,
            "rows": {name: facts["rows"] for name, facts in tables.items()},
            "took": _took(restored.timings).total_seconds(),
            "said": list(restored.said),
        }
    restoring.offer = found
    write_pause.note(restoring.site, "offer", found)
    return Evidence(ok=True, summary=_offered(found), rows=(found,))


def restore(restoring: Restoring, *, api: PointInTime | None = None) -> Evidence:
    """Let the Management API restore the project, and wait until it is up again; the other ways are a person's.

    Raises:
        CheckFailed: the restore has failed.
        Unavailable: it did not end within the time.
    """
    plan = restoring.plan
    if plan.choices.way is not Way.API or restoring.restored or restoring.over:
        return Evidence(ok=True, summary="There is nothing to ask of the Management API.", idle=True)
    if plan.target.at is None:
        raise errors.Refused("The Management API restores to a moment, and the target is none.")
    client = api or point_in_time(plan.environment)
    if client.ready():
        # Asked a second time for the same moment, it restores the same.
        write_pause.note(
            restoring.site, "restore-asked", {"target": str(plan.target), "by": "the Management API"}
        )
        client.restore(plan.target.at)
    within = plan.environment.backups.drill.timeout if plan.environment.backups else _WITHIN
    took = _waited(client, within)
    return Evidence(
        ok=True, summary=f"The Management API has restored the project; it was up again after {took:.0f} s."
    )


def point_in_time(environment: Environment) -> PointInTime:
    """Return what restores a hosted project.

    Raises:
        Refused: the environment does not say which project that is.
    """
    api = environment.backups.api if environment.backups else None
    if api is None:
        raise errors.Refused(
            f"{environment.name} does not say which hosted project it is, so the Management API cannot restore it. "
            f"Name it in [environments.{environment.name}.backups.api], or choose the way of a ticket."
        )
    return management_api.point_in_time(api)


def before(source: Source, target: RecoveryTarget) -> Backup:
    """Return the last backup from which one gets to a target.

    Raises:
        CheckFailed: there is none.
    """
    held = source.holdings().backups
    if target.kind is TargetKind.NAME and (point := source.point(target, held)):
        held = tuple(each for each in held if each.id == point.backup)
    fit = [each for each in held if _ends_before(each, target)]
    if not fit:
        raise errors.CheckFailed(
            f"None of {len(held)} backups ended before {target}, so none can be restored to it. "
            "Choose a later target or another way."
        )
    return max(fit, key=lambda each: each.ended)


def _ends_before(backup: Backup, target: RecoveryTarget) -> bool:
    if target.lsn is not None:
        return backup.stop_lsn is None or backup.stop_lsn <= target.lsn
    return target.at is None or backup.ended <= target.at


def _waited(client: PointInTime, within: timedelta) -> float:
    began = time.monotonic()
    while not client.ready():
        if time.monotonic() - began > within.total_seconds():
            raise errors.Unavailable(
                f"The restore did not end within {within}. Writes are still paused; look at the project's page, then "
                "run again."
            )
        time.sleep(_PAUSE)
    return time.monotonic() - began


def _untold(done: int, of: int, what: str) -> None:
    """Tell nobody how far it is."""


def _took(spent: Timings) -> timedelta:
    return spent.fetch + spent.restore + spent.replay + spent.open


def _offered(found: dict[str, Any]) -> str:
    last = found["last commit"] or "not known"
    return (
        f"{found['backup']} restores to {found['target']}; the last commit that it brings back is of {last}."
    )
