"""The proof that what was uploaded again is there, signed and whole, and the record of it with its times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from ops import check_end, incident_storage_signed
from ops.checked import Checked
from ops.evidence import Evidence
from ops.incident_storage import Stored
from ops.incident_storage_uploads import Uploads
from ops.storage_items import Item
from ops.storage_record import THERE, Done

RECORD = "re-upload.json"
_UNPROVEN = (
    "The plan stays open: mend that and run this again, which proves it anew and asks nobody. Or give it up with act "
    "abandon: what is wrong then is planned anew."
)


def prove(uploads: Uploads) -> Evidence:
    """Read and sign each object that was uploaded, look at its row, and count the database against the buckets.

    Raises:
        Unavailable: Storage or the database does not answer.
    """
    if not uploads.due:
        return Evidence(ok=True, summary="Nothing was uploaded, so there is nothing to prove.", idle=True)
    done = {str(each): each for each in uploads.done}
    mine = [each for each in uploads.whole if done[str(each)].state in THERE]
    rows, later = list[dict[str, str]](), dict[str, str]()
    for each in mine:
        row = next(iter(uploads.checking.list_objects(each.bucket, each.name)), None)
        if row is None:
            later[str(each)] = "was removed since"
        elif (version := done[str(each)].version) and row.version != version:
            later[str(each)] = "was written again since"
        else:
            found = _problems(uploads, each, row, done[str(each)])
            rows.append({"object": str(each), "found": "; ".join(found)})
    wrong = [row for row in rows if row["found"]]
    uploads.is_proven, uploads.later = not wrong, later
    listed, served = _counted(uploads)
    named = "; ".join(f"{row['object']}: {row['found']}" for row in wrong[:3])
    left = f" {listed - served:,} are still missing." if listed != served else ""
    counts = f"the database lists {listed:,} objects and the buckets have {served:,}."
    since = "".join(f" {name} {why}." for name, why in [*later.items()][:3])
    return Evidence(
        ok=not wrong,
        summary=f"Not proven: {named}. {_UNPROVEN}"
        if wrong
        else f"{len(rows):,} objects are there with the right bytes, their signed URLs work; {counts}{left}{since}",
        rows=(
            *({**row, "found": row["found"] or "whole, signed, its row as before"} for row in rows),
            *({"object": name, "found": why} for name, why in later.items()),
        ),
    )


def conclude(uploads: Uploads) -> Checked:
    """Write down what was uploaded when, and return the looks with that."""
    checking, plan = uploads.checking, uploads.checking.plan
    looked = checking.concluded or check_end.hand_off(checking)
    if not uploads.due:
        return looked
    uploaded, mended, skipped = (
        [each for each in uploads.done if each.state == state]
        for state in ("uploaded", "already-there", "skipped")
    )
    where = f"{plan.project.name} on {plan.environment.name}"
    proven = " and proven" if not uploads.later else ""
    summary = f"{where}: {len(uploaded):,} objects are uploaded again{proven}."
    if uploads.later:
        named = "; ".join(f"{name} {why}" for name, why in [*uploads.later.items()][:3])
        summary += f" Of others by now, and not proven: {len(uploads.later):,} ({named})."
    if mended:
        summary += f" {len(mended):,} were already there (not by this run): {mended[0]}."
    if skipped:
        summary += f" {len(skipped):,} are not: {skipped[0]}, since {skipped[0].said}."
    if checking.bundle:
        content = {
            "reason": uploads.reason,
            "summary": summary,
            "plan digest": uploads.digest,
            "approved": dict(uploads.approved),
            "started": checking.now.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
            "objects": [
                {
                    "object": str(each),
                    "state": each.state,
                    "said": each.said,
                    "run": each.run,
                    "planned": each.planned_at.isoformat(),
                    "done": each.done_at.isoformat() if each.done_at else None,
                }
                for each in uploads.done
            ],
        }
        checking.bundle.write_json(RECORD, content)
        checking.bundle.seal()
    # What was approved is done and proven; what the looks had found before stands in their report.
    return looked.model_copy(update={"ok": not skipped, "summary": f"{summary} Before: {looked.summary}"})


def _problems(uploads: Uploads, item: Item, row: Stored, done: Done) -> Iterator[str]:
    checking = uploads.checking
    seen = checking.client.read(item.bucket, item.name)
    if seen is None or seen.sha256 != item.sha256:
        yield "it is not there with the bytes of the backup"
    yield from (f"its signed URL: {kind}" for kind in incident_storage_signed.tried(checking.client, row))
    if done.state == "already-there":
        # What somebody else has brought back has what they gave it.
        return
    before = (item.owner, item.user_metadata or {}, item.mimetype, item.cache_control)
    after = (row.owner, row.user_metadata or {}, row.mimetype, row.cache_control)
    if before != after:
        yield "its owner, kind, cache control or own metadata are not as before"


def _counted(uploads: Uploads) -> tuple[int, int]:
    """Return how many objects of those that were looked at are listed now, and how many of these the buckets have."""
    checking = uploads.checking
    now = {str(each): each for each in checking.list_objects()}
    served = {name for name in checking.looked_at.seen if name in now}
    asked = {str(each) for each in checking.looked_at.objects if str(each) in now}
    again = {str(each.object) for each in checking.looked_at.wrong} | {str(each) for each in uploads.whole}
    for name in (again & now.keys()) - served:
        stored = now[name]
        if checking.client.probe(stored.bucket, stored.name, size=stored.size):
            served.add(name)
    return len(asked | served), len(served)
