"""What `pgbackrest verify` says, read: version 2.45 ends with exit code 0 on a corrupt or incomplete backup.

The text has a line for each damaged file, and one for each backup; a backup of which nothing is there has none.
"""

from __future__ import annotations

import re

from ops import wal_segments
from ops.backups import Backup, Problem

_MOST_NAMED = 20
_FILE = re.compile(
    r"(?:INFO|WARN): (?:(file missing|invalid checksum|invalid size) '([^'\n]+)'|(invalid result) (\S+): (.*))"
)
# Below the version of the server and the number of the cluster, such as 15-1.
_ARCHIVED = re.compile(r"[\d.]+-\d+/")
_BACKUP = re.compile(r"^\s*backup: (\S+), status: ([\w -]+?), total files checked: (\d+)", re.MULTILINE)
_COPY = re.compile(r"DETAIL: (\S+)/backup\.manifest is missing or unusable, using copy")
_FOREIGN = re.compile(r"INFO: ('(\S+)' may not be recoverable .*?)(?:, skipping)?$", re.MULTILINE)
_DOUBLE = re.compile(r"INFO: duplicate WAL '([0-9A-F]+)'")
_UNUSABLE = re.compile(r"^\s*(No usable (?:backup|archive)\.info file)", re.MULTILINE)
_MEANING = {
    "file missing": "is missing",
    "invalid checksum": "has another content than when it was written",
    "invalid size": "has another size than when it was written",
}
_TODO = "Bring the file back from another repository, or make a new full backup now; look at the disk."
_FULL = "Make a new full backup now, and look what became of this one."
# The timeline and the place, of which a name of a segment consists.
_SEGMENT = 24


def problems(text: str, backup: Backup, *, before: Backup | None = None) -> tuple[Problem, ...]:
    """Return what `verify` says against one backup and the WAL since it began, up to the start of `before`."""
    unusable = [_broken(found[1]) for found in _UNUSABLE.finditer(text)]
    if unusable:
        return tuple(unusable)
    status = {found[1]: found[2] for found in _BACKUP.finditer(text)}.get(backup.id)
    damaged = _files(text, backup, before)
    files = [each for each in damaged if each.kind.startswith("file") and status == "invalid"]
    wal = [each for each in damaged if each.kind.startswith("wal")]
    whole = _whole(text, backup, status, bool(files))
    return (*whole, *_named(files), *_named(wal), *_doubles(text, backup, before))


def _files(text: str, backup: Backup, before: Backup | None) -> list[Problem]:
    own = (backup.id, *backup.parents)
    found: list[Problem] = []
    for line in _FILE.finditer(text):
        path = line[2] or line[4]
        means = _MEANING.get(line[1]) or f"cannot be read ({line[5]})"
        name = path.rpartition("/")[2]
        if path.partition("/")[0] in own:
            kind = "file-missing" if line[1] == "file missing" else "file-damaged"
            said = f"{path} {means}, so that {backup.id} cannot be restored."
            found.append(Problem(kind=kind, object=path, said=said, todo=_TODO))
        elif _ARCHIVED.match(path) and _is_needed(name, backup, before):
            said = (
                f"The WAL segment {name[:_SEGMENT]} {means}, so that recovery of {backup.id} ends before it."
            )
            found.append(Problem(kind="wal-damaged", object=name[:_SEGMENT], said=said, todo=_TODO))
    return found


def _whole(text: str, backup: Backup, status: str | None, has_files: bool) -> list[Problem]:
    label = backup.id
    found = [
        Problem(kind="foreign-backup", object=label, said=f"pgBackRest says: {each[1]}.", todo=_FULL)
        for each in _FOREIGN.finditer(text)
        if each[2] == label
    ]
    if status is None:
        said = f"{label} stands in the list of backups, and there is no folder of it: it cannot be restored."
        found.append(Problem(kind="backup-missing", object=label, said=said, todo=_FULL))
    elif status == "manifest missing":
        said = f"{label} has no manifest any more, so that it cannot be restored."
        found.append(Problem(kind="manifest-missing", object=label, said=said, todo=_FULL))
    elif status == "invalid" and not has_files:
        said = f"The manifest of {label} is not as it was written, nor is its copy: it cannot be restored."
        found.append(Problem(kind="manifest-damaged", object=label, said=said, todo=_FULL))
    elif status not in ("valid", "invalid"):
        said = f"pgBackRest says of {label}: {status}. Nothing in it was looked at."
        found.append(Problem(kind="backup-unfinished", object=label, said=said, todo=_FULL))
    if any(each[1] == label for each in _COPY.finditer(text)):
        said = f"The manifest of {label} is missing or damaged; its copy is whole and is used."
        todo = "Look at the disk of the repository; make a new full backup soon."
        found.append(Problem(kind="manifest-damaged", object=label, said=said, todo=todo, blocks=False))
    return found


def _named(found: list[Problem]) -> list[Problem]:
    """Name the first ones, and say how many more there are."""
    if len(found) <= _MOST_NAMED:
        return found
    more = len(found) - _MOST_NAMED
    last = found[_MOST_NAMED]
    said = f"{more} more are damaged or missing, beginning with {last.object}."
    return [*found[:_MOST_NAMED], last.model_copy(update={"said": said})]


def _doubles(text: str, backup: Backup, before: Backup | None) -> list[Problem]:
    return [
        Problem(
            kind="wal-double",
            object=each[1],
            said=f"The WAL segment {each[1]} is there twice with different contents: two servers may have archived it.",
            todo="Look which servers archive into this stanza; each needs one of its own. Then make a new full backup.",
        )
        for each in _DOUBLE.finditer(text)
        if _is_needed(each[1], backup, before)
    ]


def _broken(said: str) -> Problem:
    todo = "Bring the file back from another repository; without it nothing can be restored."
    return Problem(
        kind="repository-broken", object=said.split()[2], said=f"pgBackRest says: {said}.", todo=todo
    )


def _is_needed(name: str, backup: Backup, before: Backup | None) -> bool:
    """Whether a segment is of the backup's timeline or a later one, and neither before its start nor behind the end."""
    archive = wal_segments.read([name[:_SEGMENT]], size=backup.segment_size)
    if not archive.count or backup.start_lsn is None:
        return True
    ((timeline, (run, *_)),) = archive.runs.items()
    if before and before.start_lsn is not None and run.first * archive.size > before.start_lsn:
        return False
    return timeline >= (backup.timeline or 1) and (run.last + 1) * archive.size > backup.start_lsn
