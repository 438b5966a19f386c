"""The proof that what was uploaded again is there, signed and whole, and the record of it with its times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from ops import check_end, incident_storage_signed
from ops.checked import Checked
from ops.evidence import Evidence
from ops.incident_storage_uploads import Uploads
from ops.storage_items import Item

RECORD = "re-upload.json"


def prove(uploads: Uploads) -> Evidence:
    """Read and sign each object that was uploaded, look at its row, and count the database against the buckets.

    Raises:
        Unavailable: Storage or the database does not answer.
    """
    if not uploads.due:
        return Evidence(ok=True, summary="Nothing was uploaded, so there is nothing to prove.", idle=True)
    states = {str(each): each for each in uploads.done}
    mine = [each for each in uploads.whole if states[str(each)].state == "uploaded"]
    rows = [{"object": str(each), "found": "; ".join(_problems(uploads, each))} for each in mine]
    wrong = [row for row in rows if row["found"]]
    listed, served = _counted(uploads)
    named = "; ".join(f"{row['object']}: {row['found']}" for row in wrong[:3])
    left = f" {listed - served:,} are still missing." if listed != served else ""
    counts = f"the database lists {listed:,} objects and the buckets have {served:,}."
    return Evidence(
        ok=not wrong,
        summary=f"Not proven: {named}."
        if wrong
        else f"{len(mine):,} objects are there with the right bytes, their signed URLs work; {counts}{left}",
        rows=tuple({**row, "found": row["found"] or "whole, signed, its row as before"} for row in rows),
    )


def conclude(uploads: Uploads) -> Checked:
    """Write down what was uploaded when, and return the looks with that."""
    checking, plan = uploads.checking, uploads.checking.plan
    looked = checking.concluded or check_end.hand_off(checking)
    if not uploads.due:
        return looked
    skipped = [each for each in uploads.done if each.state == "skipped"]
    done = len(uploads.done) - len(skipped)
    summary = (
        f"{plan.project.name} on {plan.environment.name}: {done:,} objects are uploaded again and proven."
    )
    if skipped:
        summary += f" {len(skipped):,} are not: {skipped[0]}, since {skipped[0].said}."
    if checking.bundle:
        content = {
            "reason": plan.reason,
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


def _problems(uploads: Uploads, item: Item) -> Iterator[str]:
    checking = uploads.checking
    rows = checking.list_objects(item.bucket, item.name)
    if not rows:
        yield "the database does not list it any more"
        return
    (row,) = rows
    seen = checking.client.read(item.bucket, item.name)
    if seen is None or seen.sha256 != item.sha256:
        yield "it is not there with the bytes of the backup"
    yield from (f"its signed URL: {kind}" for kind in incident_storage_signed.tried(checking.client, row))
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
