"""Backups of a hosted project as the Supabase Management API has them, and restores that it makes.

Source: supabase-operations.md, "Backup & Restore" and "PITR". Verified only against a server made from the published
OpenAPI description.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ops import binaries, database, errors, management_branch
from ops.backup_settings import ManagementApi
from ops.backups import Backup, Ended, Halfway, Holdings, Point, Problem, Progress, SourceKind, Timings
from ops.management_branch import Branch
from ops.management_client import Client
from ops.recovery_target import RecoveryTarget, TargetKind

_LATEST = RecoveryTarget()
_RECORDS = Path("~/.cache/supabase-runbooks/temporary-projects")
_READ_ONLY = "options=-c%20default_transaction_read_only%3Don"
_WHOLE = "COMPLETED"
_TODO = "Look at the backups in the dashboard, and ask Supabase's support."
_UP = "ACTIVE_HEALTHY"
_RESTORE_FAILED = frozenset({"RESTORE_FAILED", "INIT_FAILED", "REMOVED"})


@dataclass
class Hosted:
    """A temporary project that holds what was restored; its login is no superuser's."""

    branch: Branch
    timings: Timings
    said: tuple[str, ...]
    target: RecoveryTarget = _LATEST
    end_lsn: int | None = None
    last_commit: datetime | None = None
    stopped: datetime | None = None
    is_writable: bool = False

    @property
    def dsn(self) -> str:
        """Its URL; sessions only read until it is opened for writing."""
        return self.branch.dsn if self.is_writable else f"{self.branch.dsn}?{_READ_ONLY}"

    @property
    def bindir(self) -> Path:
        return binaries.find(None).bindir

    def next_commit(self) -> Ended | None:
        """The API shows no WAL."""
        return None

    def promote(self) -> None:
        """Let whoever connects from now on write to it."""
        self.is_writable = True


@dataclass(frozen=True)
class ApiSource:
    """The backups of one hosted project; `records` are of the temporary projects that are being used."""

    settings: ManagementApi
    records: Path = _RECORDS
    step: timedelta = timedelta(seconds=5)

    @property
    def kind(self) -> SourceKind:
        return "api"

    @property
    def _client(self) -> Client:
        return Client(self.settings)

    def holdings(self) -> Holdings:
        """Return the daily backups, and the span of point-in-time recovery where the project has it.

        Raises:
            Unavailable: the API does not answer.
            Refused: it does not know the project or the token.
        """
        project = self._client.get(f"/v1/projects/{self.settings.ref}")
        said: dict[str, Any] = self._client.get(f"/v1/projects/{self.settings.ref}/database/backups")
        major = int(str(project["database"]["version"]).partition(".")[0])
        listed = [each for each in said["backups"] if each["status"] == _WHOLE]
        span: dict[str, int] = said["physical_backup_data"] if said["pitr_enabled"] else {}
        return Holdings(
            backups=tuple(sorted((_backup(each, major) for each in listed), key=lambda each: each.ended)),
            earliest=_at(span.get("earliest_physical_backup_date_unix")),
            latest=_at(span.get("latest_physical_backup_date_unix")),
            problems=_problems(said),
        )

    def remove_left_over(self) -> tuple[str, ...]:
        """Remove the temporary projects of drills that are dead, and return their names; asks nothing if none is known.

        Raises:
            Refused: the token is not accepted.
            Unavailable: the API does not answer.
        """
        return management_branch.remove_left_over(self._client, self.records.expanduser())

    def fit(self, backup: Backup) -> None:
        """The platform has its own programs."""

    def point(self, target: RecoveryTarget, backups: Sequence[Backup]) -> Point | None:
        """The API shows no WAL."""
        return None

    def verify(
        self, backup: Backup, progress: Progress, *, before: Backup | None = None
    ) -> tuple[Problem, ...]:
        """Look whether the API still calls a backup complete; more of it nobody but Supabase can read."""
        said = self._client.get(f"/v1/projects/{self.settings.ref}/database/backups")
        progress(1, 1, "status of the backup asked for; its content only a restore shows")
        found = {str(each["id"]): str(each["status"]) for each in said["backups"]}.get(backup.id)
        if found == _WHOLE:
            return ()
        text = f"Backup {backup.id} is {found}." if found else f"Backup {backup.id} is not listed any more."
        return (Problem(kind="backup-missing", object=backup.id, said=text, todo=_TODO),)

    @contextmanager
    def restored(
        self,
        backup: Backup,
        target: RecoveryTarget,
        *,
        within: timedelta,
        progress: Progress,
        halfway: Halfway | None = None,
    ) -> Generator[Hosted]:
        """Have the newest backup restored to a temporary project, which is removed when the block ends.

        Raises:
            Refused: another target than `latest`, which the API only restores in place.
            CheckFailed: it cannot be restored; says why.
            Unavailable: it did not end within the time, or could not be removed.
        """
        if target.kind is not TargetKind.LATEST:
            raise errors.Refused(
                f"The Management API restores to {target} only in place, onto production, and a drill never does that. "
                "Restore `latest`, or drill another source of this project."
            )
        newest = self.holdings().backups[-1:]
        if not newest or newest[0].id != backup.id:
            raise errors.Refused(
                f"The Management API makes a temporary project of the newest backup only, and {backup.id} is not that. "
                "Choose the newest one."
            )
        began = time.monotonic()
        records = self.records.expanduser()
        with management_branch.made(
            self._client,
            records,
            within=within,
            looking=lambda status: progress(0, 1, f"temporary project is {status}"),
            step=self.step,
        ) as branch:
            spent = timedelta(seconds=time.monotonic() - began)
            said = (
                "Restored by Supabase to a temporary project: which moment it is of, the API does not say.",
            )
            with database.connect(branch.dsn):
                yield Hosted(branch, Timings(fetch=timedelta(0), restore=spent), said)


@dataclass(frozen=True)
class PointInTime:
    """The restore of the project itself, in place, as an incident needs it."""

    settings: ManagementApi

    def restore(self, at: datetime) -> None:
        """Begin to restore the project, in place, to a moment in whole seconds; returns once that is under way.

        Raises:
            Refused: the project has no point-in-time recovery, or not so far.
            Unavailable: the API does not answer.
        """
        held = ApiSource(self.settings).holdings()
        if held.earliest is None or held.latest is None:
            raise errors.Refused(
                f"{self.settings.ref} has no point-in-time recovery, so it cannot be restored to {at.isoformat()}. "
                "Restore a daily backup in the dashboard, or another source."
            )
        if not held.earliest <= at <= held.latest:
            raise errors.Refused(
                f"{self.settings.ref} can be restored to a moment from {held.earliest.isoformat()} to "
                f"{held.latest.isoformat()}, and {at.isoformat()} is none. Choose another moment."
            )
        body = {"recovery_time_target_unix": int(at.timestamp())}
        path = f"/v1/projects/{self.settings.ref}/database/backups/restore-pitr"
        Client(self.settings).ask("POST", path, body)

    def ready(self) -> bool:
        """Whether the project is up, and no restore is under way.

        Raises:
            CheckFailed: a restore has failed.
            Unavailable: the API does not answer.
        """
        status = str(Client(self.settings).get(f"/v1/projects/{self.settings.ref}")["status"])
        if status in _RESTORE_FAILED:
            raise errors.CheckFailed(f"{self.settings.ref} is {status}. {_TODO}")
        return status == _UP


def point_in_time(settings: ManagementApi) -> PointInTime:
    """Return what restores a hosted project in place."""
    return PointInTime(settings)


def _backup(said: dict[str, Any], major: int) -> Backup:
    at = datetime.fromisoformat(str(said["inserted_at"]))
    ended = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Backup(id=str(said["id"]), kind="api", began=ended, ended=ended, major=major, size=0)


def _problems(said: dict[str, Any]) -> tuple[Problem, ...]:
    listed = sorted(said["backups"], key=lambda each: str(each["inserted_at"]))
    return tuple(
        Problem(
            kind="backup-failed",
            object=str(each["id"]),
            said=f"Backup {each['id']} of {each['inserted_at']} has failed.",
            todo=_TODO,
            blocks=each is listed[-1],
        )
        for each in listed
        if each["status"] == "FAILED"
    )


def _at(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
