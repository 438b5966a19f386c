"""The looks at a Storage: its buckets and policies, its objects, signed URLs, and how long objects are kept.

Source: supabase-operations.md, "Storage Incident".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from ops import storage_contract, storage_digests, storage_folder
from ops.check_looks import check
from ops.checks import Finding
from ops.evidence import Evidence
from ops.incident_storage import StorageChecking, Stored, Wrong, folder, named
from ops.storage_client import Seen
from ops.storage_items import State

MENDING, BACK = "corrective.sql", "corrective.rollback.sql"
LIST = "objects.json"
_AT_ONCE = 8
# Buckets carry out their rules once a day.
_GRACE = timedelta(days=2)
_SAID: dict[State, tuple[str, str]] = {
    "missing": ("storage-object-missing", "are listed by the database and not in their bucket"),
    "size": ("storage-object-size", "have another size in their bucket than the database says"),
    "changed": ("storage-object-changed", "have other bytes in their bucket than were uploaded"),
}


@check("buckets and policies")
def check_buckets(checking: StorageChecking) -> Evidence:
    """Hold buckets and policies against what was declared, and write the migration that brings them back to it."""
    declared = storage_contract.read(checking.plan.project.root / storage_contract.CONVENTION)
    with checking.reading() as connection:
        there = storage_contract.of_database(connection)
    forth = storage_contract.correction(wanted=declared, there=there)
    if checking.bundle and forth:
        back = storage_contract.correction(wanted=there, there=declared)
        checking.bundle.write_text(MENDING, "".join(f"{line}\n" for line in forth))
        checking.bundle.write_text(BACK, "".join(f"{line}\n" for line in back))
    findings = [
        each
        if not forth
        else each.model_copy(update={"todo": f"{each.todo} {MENDING} of the bundle takes it back."})
        for each in storage_contract.compare(declared, there)
    ]
    rows = [{"bucket": name, **each.model_dump(mode="json")} for name, each in there.buckets.items()]
    return checking.found(
        findings, f"{len(there.buckets)} buckets and their policies are as the contract says.", rows=rows
    )


@check("objects")
def check_objects(checking: StorageChecking) -> Evidence:
    """Ask the buckets for each object that the database lists, read a sample whole, and say what is not as listed."""
    looked = checking.looked_at
    looked.objects = checking.list_objects()
    most = checking.storage.most
    asked = looked.objects if len(looked.objects) <= most else checking.sample(looked.objects, most)
    looked.seen = {}
    looked.wrong = [*_probed(checking, asked)]
    read = [each for each in asked if str(each) in looked.seen]
    chosen = read if checking.plan.whole else checking.sample(read)
    looked.wrong += [*_read(checking, chosen)]
    looked.wrong = _as_listed_still(checking, looked.wrong)
    looked.is_complete = True
    expired = [each for each in looked.wrong if each.state == "missing" and checking.is_expired(each.object)]
    looked.wrong = [each for each in looked.wrong if each not in expired]
    if checking.bundle and looked.wrong:
        rows = [{"object": str(each.object), "state": each.state} for each in looked.wrong]
        checking.bundle.write_json(LIST, rows)
    findings = [*_wrong(looked.wrong), *_unknown(checking), *_left(expired)]
    part = "" if len(asked) == len(looked.objects) else f" of {len(looked.objects):,}"
    return checking.found(
        findings,
        f"All {len(asked):,} objects{part} that were asked for are in their buckets, and {len(chosen):,} that were "
        "read whole are as they were uploaded.",
    )


@check("lifecycle")
def check_lifecycle(checking: StorageChecking) -> Evidence:
    """Hold the ages of objects against the declared rules: what is still there too long, and what went too early."""
    rules = checking.storage.lifecycle
    if not rules:
        return checking.idle("No rule says how long objects are kept.")
    looked = checking.looked_at
    if not looked.is_complete:
        return checking.unseen("The objects could not be asked for.", "Mend that and start the run again.")
    overdue, early = defaultdict[str, list[Stored]](list), defaultdict[str, list[Stored]](list)
    for each in looked.objects:
        if str(each) in looked.seen and checking.is_expired(each, _GRACE):
            overdue[str(checking.rule(each))].append(each)
    for wrong in looked.wrong:
        rule = checking.rule(wrong.object)
        if wrong.state == "missing" and rule:
            early[str(rule)].append(wrong.object)
    buckets = {each.bucket for each in looked.objects}
    findings = [_overdue(rule, objects) for rule, objects in overdue.items()]
    findings += [_early(rule, objects) for rule, objects in early.items()]
    findings += [_nothing(str(each)) for each in rules if each.bucket not in buckets]
    return checking.found(
        findings, f"{len(rules)} rules are carried out, as far as the ages of objects tell."
    )


def _probed(checking: StorageChecking, objects: Iterable[Stored]) -> Iterator[Wrong]:
    client = checking.client

    def probe(stored: Stored) -> tuple[Stored, Seen | None]:
        return stored, client.probe(stored.bucket, stored.name, size=stored.size)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for stored, seen in pool.map(probe, objects):
            if seen is None:
                yield Wrong(stored, "missing")
                continue
            checking.looked_at.seen[str(stored)] = seen
            both = storage_digests.tells(stored.plain_tag) and storage_digests.tells(seen.tag)
            if stored.size is not None and seen.size != stored.size:
                yield Wrong(stored, "size", seen)
            elif both and seen.tag != stored.plain_tag:
                yield Wrong(stored, "changed", seen)


def _read(checking: StorageChecking, objects: Iterable[Stored]) -> Iterator[Wrong]:
    known = {str(each.object) for each in checking.looked_at.wrong}
    for stored in objects:
        if str(stored) in known:
            continue
        seen = checking.client.read(stored.bucket, stored.name, tag=stored.plain_tag)
        if seen is None:
            yield Wrong(stored, "missing")
        elif stored.size is not None and seen.size != stored.size:
            yield Wrong(stored, "size", seen)
        elif seen.fits is False:
            yield Wrong(stored, "changed", seen)


def _as_listed_still(checking: StorageChecking, wrong: list[Wrong]) -> list[Wrong]:
    """Leave out what was written or removed while it was looked at: then it is not wrong, but another object."""
    now = {(each.id, each.version, each.tag) for each in checking.list_objects()} if wrong else set[object]()
    return [each for each in wrong if (each.object.id, each.object.version, each.object.tag) in now]


def _wrong(wrong: Iterable[Wrong]) -> Iterator[Finding]:
    groups = defaultdict[tuple[State, str], list[Stored]](list)
    for each in wrong:
        groups[each.state, each.object.bucket].append(each.object)
    for (state, bucket), objects in groups.items():
        kind, said = _SAID[state]
        yield Finding(
            kind=kind,
            object=bucket,
            severity="failed",
            said=f"{len(objects):,} objects of {bucket} {said}: {named(objects)}.",
            why="Whoever asks for one gets an error, or something else than was stored.",
            todo="Re-upload them from a backup: the same runbook with act re-upload, which asks for an approval first.",
        )


def _unknown(checking: StorageChecking) -> Iterator[Finding]:
    """Files without a row can only be seen where the folder can: Storage lists rows, and not what it holds."""
    reference = checking.storage.files
    if reference is None:
        return
    root = folder(reference, "nobody has looked for files that the database does not list")
    listed = {f"{each}/{each.version}" for each in checking.looked_at.objects}
    unknown = [str(each) for each in storage_folder.held(root) if str(each) not in listed]
    if unknown:
        shown = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3:,} more" if len(unknown) > 3 else "")
        yield Finding(
            kind="storage-object-unknown",
            object="the folder of Storage",
            severity="attention",
            said=f"{len(unknown):,} files lie in the buckets that the database does not list: {shown}.",
            why="Nobody can reach or remove them by Storage, and they take room; or their rows are lost.",
            todo="Look whether the database was set back: then its rows are missing. Else remove them by hand.",
        )


def _left(expired: list[Wrong]) -> Iterator[Finding]:
    if expired:
        objects = [each.object for each in expired]
        yield Finding(
            kind="storage-row-left",
            object="lifecycle",
            severity="note",
            said=f"{len(objects):,} objects were removed as the lifecycle says, and their rows stay: {named(objects)}.",
            why="The app lists them, and gets an error.",
            todo="Remove them by Storage's API, which takes the row as well.",
        )


def _overdue(rule: str, objects: list[Stored]) -> Finding:
    return Finding(
        kind="lifecycle-overdue",
        object=rule,
        severity="attention",
        said=f"{len(objects):,} objects are still there that should be gone ({rule}): {named(objects)}.",
        why="What was promised to be removed is kept, and takes room.",
        todo="Look whether the bucket still has the rule, or the job that removes them still runs.",
        since=min(each.written for each in objects),
    )


def _early(rule: str, objects: list[Stored]) -> Finding:
    return Finding(
        kind="lifecycle-early",
        object=rule,
        severity="failed",
        said=f"{len(objects):,} objects are gone before their time ({rule}): {named(objects)}.",
        why="A rule of the bucket may be shorter than was declared, and will take the others too.",
        todo="Look at the rule of the bucket before anything is re-uploaded, or it takes that as well.",
    )


def _nothing(rule: str) -> Finding:
    return Finding(
        kind="lifecycle-without-objects",
        object=rule,
        severity="note",
        said=f"No object falls under the rule {rule}: the bucket has none.",
        why="A rule of which nothing can be said may be for another bucket by now.",
        todo="Correct it in runbooks.toml.",
    )
