"""What `pgbackrest info` says of a stanza: its backups, and the WAL of each cluster that it has had."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ops import errors, pgbackrest_wal, recovery_target
from ops.backups import Backup, Holdings, Problem
from ops.pgbackrest_program import Program
from ops.pgbackrest_wal import Wal
from ops.wal_segments import Coverage

# Of a stanza: it is well, it has no backup that can be used, it is not there.
_OK, _EMPTY, _ABSENT = 0, 2, (1, 3)


@dataclass(frozen=True)
class Repository:
    """One stanza as `info` described it; what is archived is listed once for each cluster."""

    program: Program
    stanza: dict[str, Any]
    backups: tuple[Backup, ...]
    _listed: dict[str, Wal] = field(default_factory=dict[str, Wal], repr=False)

    def wal(self, backup: Backup) -> Wal:
        """Return what is archived of the cluster of a backup; raises as `Program.ask` does."""
        said = self._said(backup)
        archive_id = f"{_cluster(said, self.stanza)['version']}-{said['database']['id']}"
        if archive_id not in self._listed:
            self._listed[archive_id] = pgbackrest_wal.read(self.program, archive_id, size=backup.segment_size)
        return self._listed[archive_id]

    def holdings(self) -> Holdings:
        """Say what there is, and what is wrong with it as far as the lists tell."""
        status = self.stanza["status"]
        if status["code"] not in (_OK, _EMPTY):
            return Holdings(backups=(), problems=(_unwell(self.stanza["name"], status["message"]),))
        covered = {each.id: self.wal(each).coverage(each) for each in self.backups}
        usable = [each for each in self.backups if not covered[each.id].gaps and not covered[each.id].wrong]
        last = covered[usable[-1].id] if usable else Coverage()
        return Holdings(
            backups=self.backups,
            earliest=min((each.ended for each in usable), default=None),
            latest=self.wal(usable[-1]).latest(last) if usable else None,
            end_lsn=last.end.lsn if last.end else None,
            problems=(*self._missing(), *self._page_errors()),
        )

    def _said(self, backup: Backup) -> dict[str, Any]:
        for each in self.stanza["backup"]:
            if each["label"] == backup.id:
                return dict(each)
        raise errors.CheckFailed(
            f"{backup.id} is not in the repository any more, so it cannot be restored. Choose another backup."
        )

    def _missing(self) -> tuple[Problem, ...]:
        """Say what is missing of the WAL, once however many backups need it; it blocks where the newest one does."""
        found: dict[tuple[str, str], Problem] = {}
        for backup in reversed(self.backups):
            blocks = {"blocks": backup is self.backups[-1]}
            for problem in self.wal(backup).problems(backup):
                found.setdefault((problem.kind, problem.object), problem.model_copy(update=blocks))
        return tuple(found.values())

    def _page_errors(self) -> tuple[Problem, ...]:
        return tuple(
            Problem(
                kind="page-errors",
                object=each["label"],
                said=f"Pages of the server had wrong checksums when {each['label']} was made: they are damaged in it.",
                todo="Look with `pgbackrest info --set` which files; restore their rows from an older backup.",
            )
            for each in self.stanza["backup"]
            if each.get("error")
        )


def read(program: Program) -> Repository:
    """Ask what there is.

    Raises:
        Unavailable: the repository does not answer.
        Refused: it is not there, or has no such stanza.
    """
    found = program.ask_json("info")
    status = found[0]["status"] if found else {"code": _ABSENT[0], "message": "missing stanza"}
    if status["code"] in _ABSENT:
        raise errors.Refused(
            f"The repository has no stanza {program.settings.stanza} ({status['message']}), so there is nothing to "
            f"restore. Mend `stanza` or `repo` of backups.pgbackrest, or {program.settings.config}."
        )
    stanza = dict(found[0])
    return Repository(program, stanza, tuple(_backup(each, stanza) for each in stanza["backup"]))


def _backup(said: dict[str, Any], stanza: dict[str, Any]) -> Backup:
    database = _cluster(said, stanza)
    began, ended = (datetime.fromtimestamp(said["timestamp"][each], UTC) for each in ("start", "stop"))
    return Backup(
        id=said["label"],
        kind="pgbackrest",
        began=began,
        ended=ended,
        major=int(database["version"].partition(".")[0]),
        size=said["info"]["size"],
        system_identifier=str(database["system-id"]),
        timeline=int(said["archive"]["start"][:8], 16),
        start_lsn=recovery_target.lsn(said["lsn"]["start"]),
        stop_lsn=recovery_target.lsn(said["lsn"]["stop"]),
        segment_size=pgbackrest_wal.segment_size(
            said["archive"]["start"], recovery_target.lsn(said["lsn"]["start"])
        ),
        parents=tuple(said["reference"] or ()),
    )


def _cluster(said: dict[str, Any], stanza: dict[str, Any]) -> dict[str, Any]:
    """Return the cluster that a backup is of: an upgraded stanza has had several."""
    return next(each for each in stanza["db"] if each["id"] == said["database"]["id"])


def _unwell(stanza: str, message: str) -> Problem:
    said = f"pgBackRest says of stanza {stanza}: {message}."
    todo = "Bring the files of the repository back from another one; without them nothing can be restored."
    return Problem(kind="repository-broken", object=stanza, said=" ".join(said.split()), todo=todo)
