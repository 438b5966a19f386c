"""One base backup as `pg_basebackup` leaves it: a folder of files or of tar files, with its label and its manifest."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from ops import errors, recovery_target, tar_backup
from ops.backups import Backup, Fact, Problem
from ops.wal_segments import Place

MANIFEST = "backup_manifest"
LABEL = "backup_label"
# What `runbooks` itself knows of a backup that it made lies beside its folder, since the manifest covers the folder.
RECORD_SUFFIX = ".backup.json"
_LABEL_LINE = re.compile(r"^([A-Z ]+): (.*)$", re.M)
_MANIFEST_DATE = "%Y-%m-%d %H:%M:%S GMT"


class Unreadable(errors.CheckFailed):
    """A folder that looks like a backup and is none; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.said)
        self.problem = problem


class Record(Fact):
    """What `runbooks` wrote down of a backup that it made."""

    id: str
    began: datetime
    ended: datetime
    verified: datetime | None = None


class Found(Fact):
    """A backup with what one needs to place it in the WAL and among the others.

    `label_segment` is the name of the segment in which it began; `from_start` is where the backup began on which an
    incremental one builds.
    """

    backup: Backup
    label_segment: str
    tar: bool = False
    from_start: Place | None = None


def looks_like_one(folder: Path) -> bool:
    """Whether somebody made a backup in this folder, or began to."""
    marks = ("PG_VERSION", LABEL, MANIFEST, f"{MANIFEST}.tmp", *tar_backup.NAMES)
    return folder.is_dir() and any((folder / mark).exists() for mark in marks)


def is_temporary(folder: Path) -> bool:
    """Whether this is where a backup is being made, or was when its maker died."""
    return folder.name.startswith(".")


def read(folder: Path) -> Found:
    """Read a folder's label and manifest.

    Raises:
        Unreadable: it was left half-written, or what it says of itself is no backup.
    """
    if not (folder / MANIFEST).is_file():
        said = f"{folder.name} has no {MANIFEST}, which pg_basebackup writes last: it is half-written"
        raise _unreadable("half-written", folder, f"{said}, and no backup.", "Make a new one; remove it.")
    try:
        told = cast("dict[str, Any]", json.loads((folder / MANIFEST).read_bytes()))
        label, major, system = _tar_facts(folder) if is_tar(folder) else _folder_facts(folder)
        return _found(folder, told, label, major, system)
    except (OSError, ValueError, KeyError, IndexError, TypeError, tarfile.TarError, struct.error) as error:
        said = f"{folder.name} does not say what it is ({type(error).__name__}: {error}), so it is no backup."
        todo = "Look at its backup_manifest, backup_label and PG_VERSION; make a new one."
        raise _unreadable("backup-unreadable", folder, said, todo) from None


def is_tar(folder: Path) -> bool:
    """Whether a backup is of tar files."""
    return tar_backup.base(folder) is not None


def manifest_is_whole(folder: Path) -> bool:
    """Whether a manifest has the hash that its last line says."""
    text = (folder / MANIFEST).read_bytes()
    body = text[: text.rfind(b"\n", 0, len(text) - 1) + 1]
    try:
        return hashlib.sha256(body).hexdigest() == json.loads(text)["Manifest-Checksum"]
    except (ValueError, KeyError, TypeError):
        return False


def record_path(folder: Path) -> Path:
    """Return where `runbooks` writes what it knows of a backup that it made."""
    return folder.with_name(f"{folder.name}{RECORD_SUFFIX}")


def _unreadable(kind: str, folder: Path, said: str, todo: str) -> Unreadable:
    return Unreadable(Problem(kind=kind, object=folder.name, said=said, todo=todo, blocks=False))


def _found(
    folder: Path, told: Mapping[str, Any], label: Mapping[str, str], major: int, system: str | None
) -> Found:
    ranges = told["WAL-Ranges"]
    files = told["Files"]
    start, segment = label["START WAL LOCATION"].split(" (file ")
    incremental = label.get("INCREMENTAL FROM LSN")
    began, ended = _times(folder, files)
    named = told.get("System-Identifier")
    backup = Backup(
        id=folder.name,
        kind="physical",
        began=began,
        ended=ended,
        major=major,
        size=sum(int(each["Size"]) for each in files),
        path=folder,
        system_identifier=str(named) if named else system,
        timeline=int(label["START TIMELINE"]),
        start_lsn=recovery_target.lsn(start),
        stop_lsn=recovery_target.lsn(ranges[-1]["End-LSN"]),
    )
    return Found(
        backup=backup,
        label_segment=segment.rstrip(")"),
        tar=is_tar(folder),
        from_start=(
            Place(int(label["INCREMENTAL FROM TLI"]), recovery_target.lsn(incremental))
            if incremental
            else None
        ),
    )


def _times(folder: Path, files: list[Mapping[str, Any]]) -> tuple[datetime, datetime]:
    """Say when a backup began and ended: as we wrote it down, or by the server's clock as far as the manifest goes.

    The label's own time has the zone of the server's log, of which nobody knows what its abbreviation means.
    """
    path = record_path(folder)
    if path.is_file():
        record = Record.model_validate_json(path.read_bytes())
        return record.began, record.ended
    labels = [each["Last-Modified"] for each in files if each.get("Path") == LABEL]
    written = datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, UTC)
    began = datetime.strptime(labels[0], _MANIFEST_DATE).replace(tzinfo=UTC) if labels else written
    return began, max(began, written)


def _folder_facts(folder: Path) -> tuple[dict[str, str], int, str | None]:
    label = (folder / LABEL).read_text("utf-8", "replace")
    with (folder / "global" / "pg_control").open("rb") as control:
        system = struct.unpack("=Q", control.read(8))[0]
    return _lines(label), int((folder / "PG_VERSION").read_text("utf-8")), str(system)


def _tar_facts(folder: Path) -> tuple[dict[str, str], int, str | None]:
    facts = tar_backup.contents(folder, (LABEL, "PG_VERSION"))
    return _lines(facts[LABEL].decode("utf-8", "replace")), int(facts["PG_VERSION"]), None


def _lines(label: str) -> dict[str, str]:
    return dict(_LABEL_LINE.findall(label))
