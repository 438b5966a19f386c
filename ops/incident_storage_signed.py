"""Signed URLs tried: that they give the bytes, and that without a signature, or with another, nobody gets them.

Source: supabase-operations.md, "Storage Incident" ("validate ... signed URL generation"). A token is a secret.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator

from ops.check_looks import check
from ops.checks import Finding
from ops.evidence import Evidence
from ops.incident_storage import StorageChecking, Stored, named
from ops.storage_client import Client

_NOT_SIGNED, _NOT_SERVED, _OTHER = "storage-not-signed", "storage-signed-refused", "storage-signed-other"
_OPEN, _UNCHECKED, _NOT_PUBLIC = "storage-open", "storage-signature-unchecked", "storage-public-refused"
_SAID = {
    _NOT_SIGNED: "are not signed for the service role",
    _NOT_SERVED: "are refused by a signed URL that was made just now",
    _OTHER: "come with other bytes by a signed URL, or by that of a public bucket, than for the service role",
    _OPEN: "of a private bucket are given to anybody without a signature",
    _UNCHECKED: "of a private bucket are given with a signature that is not theirs",
    _NOT_PUBLIC: "of a public bucket are not given without a signature",
}
_WHY = {
    _OPEN: "What was meant for few is there for all.",
    _UNCHECKED: "Whoever makes up a signature, or has one for something else, gets what was meant for few.",
}
_TODO = {
    _OPEN: "Make the bucket private, and look who has read it: the log of the API has the paths.",
    _UNCHECKED: "Look at the gateway and the JWT secret of Storage, and stop serving until that is mended.",
    _NOT_PUBLIC: "Look whether the bucket is still public, and at the cache before it.",
}


@check("signed URLs")
def check_signed(checking: StorageChecking) -> Evidence:
    """Sign some objects of each bucket and fetch them, and try to get them without."""
    looked = checking.looked_at
    if not looked.is_complete:
        return checking.unseen("The objects could not be asked for.", "Mend that and start the run again.")
    wrong = {str(each.object) for each in looked.wrong}
    there = [each for each in looked.objects if str(each) in looked.seen and str(each) not in wrong]
    if not there:
        return checking.idle("There is no object that could be signed.")
    chosen = _chosen(there, checking.storage.sample)
    groups = defaultdict[tuple[str, str], list[Stored]](list)
    for number, stored in enumerate(chosen):
        for kind in tried(checking.client, stored, beside=chosen[number - 1]):
            groups[kind, stored.bucket].append(stored)
    findings = [_finding(kind, bucket, objects) for (kind, bucket), objects in groups.items()]
    private = sum(not each.public for each in chosen)
    return checking.found(
        findings,
        f"{len(chosen)} objects were signed and fetched; {private} of private buckets were refused without a signature "
        "and with another.",
    )


def tried(client: Client, stored: Stored, *, beside: Stored | None = None) -> Iterator[str]:
    """Try one object in each way, and yield what is wrong; `beside` is one whose signature is tried as well.

    Raises:
        OpsError: Storage does not answer, or does not take the key.
    """
    bucket, name = stored.bucket, stored.name
    right = client.read(bucket, name)
    digest = right.sha256 if right else ""
    with client.signed(bucket, name) as token:
        if token is None:
            yield _NOT_SIGNED
        else:
            got = client.fetch("sign", bucket, name, token=token)
            if got.status != 200:
                yield _NOT_SERVED
            elif got.sha256 != digest:
                yield _OTHER
        other = altered(token) if token else ""
    if stored.public:
        got = client.fetch("public", bucket, name)
        if got.status != 200:
            yield _NOT_PUBLIC
        elif got.sha256 != digest:
            yield _OTHER
        return
    if any(client.fetch(way, bucket, name).status == 200 for way in ("", "public", "sign")):
        yield _OPEN
    if _is_taken(client, stored, other) or _takes_that_of(client, stored, beside):
        yield _UNCHECKED


def _takes_that_of(client: Client, stored: Stored, beside: Stored | None) -> bool:
    """Whether an object is given for the signature of another one."""
    if beside is None or str(beside) == str(stored):
        return False
    with client.signed(beside.bucket, beside.name) as foreign:
        return _is_taken(client, stored, foreign or "")


def _is_taken(client: Client, stored: Stored, token: str) -> bool:
    return bool(token) and client.fetch("sign", stored.bucket, stored.name, token=token).status == 200


def altered(token: str) -> str:
    """Return a token with another signature: the first letter, since the last has bits that do not count."""
    head, dot, signature = token.rpartition(".")
    other = "A" if signature[:1] != "A" else "B"
    return f"{head}{dot}{other}{signature[1:]}"


def _chosen(objects: list[Stored], most: int) -> list[Stored]:
    """Return some objects, of each bucket at least one."""
    shuffled = random.sample(objects, len(objects))
    first = {each.bucket: each for each in shuffled}
    rest = [each for each in shuffled if first[each.bucket] is not each]
    return [*first.values(), *rest[: max(0, most - len(first))]]


def _finding(kind: str, bucket: str, objects: list[Stored]) -> Finding:
    return Finding(
        kind=kind,
        object=bucket,
        severity="failed",
        said=f"{len(objects)} objects {_SAID[kind]}: {named(objects)}.",
        why=_WHY.get(kind, "The app cannot show what it keeps there."),
        todo=_TODO.get(
            kind,
            "Look at the policies of storage.objects, at the JWT secret that Storage has, and at its log.",
        ),
    )
