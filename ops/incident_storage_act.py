"""Objects uploaded again, one at a time: each that is still as it was planned, and none twice.

Source: supabase-operations.md, "Storage Incident" ("re-upload from backup if necessary").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ops import database, errors, incident_storage, journal, storage_digests
from ops import incident_storage_backup as backups
from ops.evidence import Evidence
from ops.incident_storage_uploads import Uploads
from ops.storage_client import KeyRefused
from ops.storage_items import Item
from ops.storage_record import OPEN, THERE, Begun, Done, State

Progress = Callable[[int, int, str], None]
_MENDED = "it was already there with these bytes, not by this run"


def act(uploads: Uploads, say: Progress) -> Evidence:
    """Upload each object that is still as it was planned; safe to run twice, and to go on after it was killed.

    Raises:
        Refused: another run holds the database, or has ended the plan; or the backup is gone, or the key may not write.
        CheckFailed: an object is not what was uploaded.
        Unavailable: Storage or the database does not answer; what was done is recorded.
    """
    digest = uploads.digest
    with journal.held(uploads.dsn, uploads.checking.run), uploads.connected() as connection:
        there = _taken_up(uploads, connection)
        states = dict(zip(map(str, there.items), there.states, strict=True))
        for number, item in enumerate(there.left, 1):
            state, said = _one(uploads, connection, item, states[str(item)])
            version = _version(uploads, item) if state in THERE else None
            uploads.record.mark(connection, digest, item, state, said, version)
            say(number, len(there.left), "objects")
        uploads.done = uploads.record.of(connection, digest)
    return _what_became(uploads.done)


def _taken_up(uploads: Uploads, connection: database.Connection) -> Begun:
    """Return the plan as it is now that nobody else can work on it; one that is new is written down before."""
    there = uploads.record.open(connection)
    if there is None and not (uploads.begun or uploads.planned):
        uploads.record.plan(connection, uploads.digest, uploads.reason, uploads.items)
        there = uploads.record.open(connection)
    if there is None or there.digest != uploads.digest:
        why = f"{there.digest[:8]} was begun by {there.run}" if there else "it was given up, or ended"
        raise errors.Refused(
            f"Plan {uploads.digest[:8]} of uploads is not gone on with, since {why} meanwhile. Nothing was uploaded. "
            "Start again: it looks at everything anew."
        )
    uploads.planned = there.digest
    return there


def _what_became(done: Sequence[Done]) -> Evidence:
    left, mended = ([each for each in done if each.state == state] for state in ("skipped", "already-there"))
    rows = tuple({"object": str(each), "state": each.state, "said": each.said} for each in done)
    apart = f" {len(mended):,} were already there (not by this run)." if mended else ""
    apart += "".join(f" Not uploaded: {each}, since {each.said}." for each in left[:3])
    more = f" And {len(left) - 3} more." if len(left) > 3 else ""
    return Evidence(
        ok=not left,
        summary=f"{sum(each.state == 'uploaded' for each in done):,} objects were uploaded again.{apart}{more}",
        rows=rows,
    )


def _one(uploads: Uploads, connection: database.Connection, item: Item, before: State) -> tuple[State, str]:
    """Upload one object and read it again; return what became of it, and why not, where it is not as it was planned."""
    client = uploads.checking.client
    there = client.read(item.bucket, item.name)
    if there and there.sha256 == item.sha256:
        # One whose upload was begun is there by that, though nobody has seen its end.
        return ("uploaded", "") if before == "begun" else ("already-there", _MENDED)
    if why := _changed(uploads, item, there.sha256 if there else ""):
        return "skipped", why
    reference = uploads.checking.storage.backup or ""
    path = backups.source(incident_storage.folder(reference, "nothing is uploaded"), item)
    if path is None or storage_digests.of_file(path).sha256 != item.sha256:
        return "skipped", "the backup has other bytes than those that were approved"
    uploads.record.mark(connection, uploads.digest, item, "begun")
    facts = item.model_dump(include={"size", "sha256", "mimetype", "cache_control", "user_metadata"})
    try:
        client.upload(item.bucket, item.name, storage_digests.pieces(path), **facts)
    except KeyRefused as error:
        raise _not_by_this_key(uploads, connection, item, str(error)) from None
    except errors.Refused as error:
        return "skipped", str(error)
    found = client.read(item.bucket, item.name)
    if found is None or found.sha256 != item.sha256:
        raise errors.CheckFailed(f"{item} was uploaded and is not served with the bytes of the backup.")
    return "uploaded", ""


def _not_by_this_key(
    uploads: Uploads, connection: database.Connection, item: Item, said: str
) -> errors.Refused:
    """Leave an object to do that the key may not write, and return what is wrong: it is so for the others too."""
    uploads.record.mark(connection, uploads.digest, item, "planned", said)
    done = uploads.record.of(connection, uploads.digest)
    left = sum(each.state in OPEN for each in done)
    place = f"[environments.{uploads.checking.plan.environment.name}.storage]"
    return errors.Refused(
        f"The key may not write: {item} was not uploaded. {said} {left:,} of {len(done):,} objects are still to do, "
        f"and their plan stays open. Name the service role's key in {place}, and run this again: it goes on, and "
        "asks nobody.",
        _what_became(done).model_copy(update={"ok": False}),
    )


def _version(uploads: Uploads, item: Item) -> str | None:
    return next((row.version for row in uploads.checking.list_objects(item.bucket, item.name)), None)


def _changed(uploads: Uploads, item: Item, there: str) -> str:
    rows = uploads.checking.list_objects(item.bucket, item.name)
    if not rows:
        return "the database does not list it any more"
    (row,) = rows
    if (row.id, row.version, row.plain_tag) != (item.id, item.version, item.tag):
        return "it was written again since the plan was made"
    # One that was wrong and is gone meanwhile is no less to be uploaded.
    if there and there != item.there:
        return "its bucket has other bytes than when the plan was made"
    return ""
