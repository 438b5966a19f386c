"""What a backup has of the objects that are missing or wrong, and whether its bytes are those that were uploaded.

Source: supabase-operations.md, "Storage Incident" ("re-upload from backup if necessary").
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from ops import storage_digests, storage_folder
from ops.check_looks import check
from ops.checks import Finding
from ops.evidence import Evidence
from ops.incident_storage import StorageChecking, Stored, Wrong, folder, named
from ops.storage_items import Item

_REASONS = {
    "absent": "are not in the backup",
    "unreadable": "cannot be read from the backup",
    "other": "have other bytes in the backup than were uploaded",
}


@check("backup")
def check_backup(checking: StorageChecking) -> Evidence:
    """Say what of the missing and wrong objects the backup has, after its bytes were held against what was uploaded."""
    looked, reference = checking.looked_at, checking.storage.backup
    if not looked.is_complete:
        return checking.unseen("The objects could not be asked for.", "Mend that and start the run again.")
    if reference is None:
        return checking.found([_unnamed(checking)], "")
    if not looked.wrong:
        return checking.found([], "Nothing has to be uploaded again.")
    root = folder(reference, "nobody knows what the backup has")
    items, unfit = list[Item](), defaultdict[str, list[Stored]](list)
    for wrong in looked.wrong:
        found = _item(checking, root, wrong)
        if isinstance(found, Item):
            items.append(found)
        else:
            unfit[found].append(wrong.object)
    checking.items = tuple(items)
    rows = [
        {"bucket": each.bucket, "path": each.name, "is": each.state, "bytes": each.size, "by": each.proof}
        for each in items
    ]
    return checking.found(
        [_unfit(reason, objects) for reason, objects in unfit.items()],
        f"The backup has all {len(items):,} objects that are missing or wrong, with the right bytes.",
        rows=rows,
    )


def source(root: Path, item: Item) -> Path | None:
    """Return the file of an item in the backup, if it is still there."""
    return storage_folder.find(root, item.bucket, item.name, item.version)


def _item(checking: StorageChecking, root: Path, wrong: Wrong) -> Item | str:
    stored = wrong.object
    path = storage_folder.find(root, stored.bucket, stored.name, stored.version)
    if path is None:
        return "absent"
    try:
        found = storage_digests.of_file(path, stored.plain_tag)
    except OSError:
        return "unreadable"
    # Where neither size nor tag is known nothing tells whether these are the right bytes.
    if found.fits is False or stored.size != found.size or (wrong.state == "changed" and not found.fits):
        return "other"
    there = checking.client.read(stored.bucket, stored.name) if wrong.there else None
    return Item(
        bucket=stored.bucket,
        name=stored.name,
        size=found.size,
        sha256=found.sha256,
        proof="digest" if found.fits else "size",
        state=wrong.state,
        there=there.sha256 if there else "",
        source=path.relative_to(root).as_posix(),
        id=stored.id,
        version=stored.version,
        tag=stored.plain_tag,
        mimetype=stored.mimetype,
        cache_control=stored.cache_control,
        user_metadata=stored.user_metadata,
        owner=stored.owner,
        public=stored.public,
    )


def _unnamed(checking: StorageChecking) -> Finding:
    where = checking.plan.environment.name
    return Finding(
        kind="storage-without-backup",
        object=where,
        severity="attention",
        said="No backup of the buckets is named.",
        why="What is lost there cannot be uploaded again: no backup of a database has the files.",
        todo=f"Keep a copy of the buckets, and name its folder: backup in [environments.{where}.storage].",
    )


def _unfit(reason: str, objects: list[Stored]) -> Finding:
    return Finding(
        kind=f"storage-backup-{reason}",
        object="the backup of the buckets",
        severity="failed",
        said=f"{len(objects):,} objects that are missing or wrong {_REASONS[reason]}: {named(objects)}.",
        why="They cannot be uploaded again from there.",
        todo="Look for an older copy, or ask those whose files they are.",
    )
