"""The files of Supabase Storage as its API serves them, beside the rows of `storage.objects`.

What that API lists are rows of its own database: only a GET says what is in a bucket, so each file is asked for.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ops import database, queries, storage_digests
from ops.backup_settings import Storage
from ops.backups import Problem
from ops.storage_client import Client, Seen

_AT_ONCE = 8
# More are a matter of hours: then as many of them, chosen anew each time.
_MOST = 20_000
_NAMED = 3
_TODO = "Restore the files too, from a copy of the bucket; the database alone does not bring them back."


@dataclass(frozen=True, slots=True)
class File:
    """A file by its bucket and name, with the size and the tag that a database knows."""

    bucket: str
    name: str
    size: int
    tag: str

    def __str__(self) -> str:
        return f"{self.bucket}/{self.name}"


def compare(connection: database.Connection, settings: Storage) -> tuple[int, tuple[Problem, ...]]:
    """Compare what a restored database lists with what the buckets have, and read a sample of files whole.

    Returns how many files are listed, and what is wrong. Files that are newer than the database are no problem.

    Raises:
        Refused: the key is not taken.
        Unavailable: nobody answers.
    """
    rows = connection.execute(queries.load("drill/storage_files")).fetchall()
    files = [
        File(str(bucket), str(name), int(size or 0), storage_digests.plain(tag))
        for bucket, name, size, tag in rows
    ]
    asked = random.sample(files, min(_MOST, len(files)))
    with Client(settings) as client, ThreadPoolExecutor(_AT_ONCE) as pool:

        def probe(file: File) -> Seen | None:
            return client.probe(file.bucket, file.name, size=file.size)

        there = {
            str(file): seen
            for file, seen in zip(asked, pool.map(probe, asked), strict=True)
            if seen is not None
        }
        missing = [each for each in asked if str(each) not in there]
        sizes = [each for each in asked if (now := there.get(str(each))) and now.size != each.size]
        known = [each for each in asked if storage_digests.tells(each.tag) and str(each) in there]
        # The same files each time would leave the others unread for ever.
        whole = [each for each in known if each not in sizes]
        sample = random.sample(whole, min(settings.sample, len(whole)))
        changed = [each for each in sample if not _is_whole(client, each)]
    return len(files), (
        *_problem(
            "storage-file-missing", missing, "are listed by the restored database and not in their bucket"
        ),
        *_problem(
            "storage-file-size", sizes, "have another size in their bucket than the restored database says"
        ),
        *_problem("storage-file-changed", changed, "are not served with the content that the database knows"),
    )


def _is_whole(client: Client, file: File) -> bool:
    seen = client.read(file.bucket, file.name, tag=file.tag)
    return seen is not None and seen.fits is not False


def _problem(kind: str, files: list[File], said: str) -> tuple[Problem, ...]:
    if not files:
        return ()
    ordered = sorted(files, key=str)
    named = ", ".join(str(each) for each in ordered[:_NAMED]) + (" and more" if len(files) > _NAMED else "")
    return (
        Problem(kind=kind, object=str(ordered[0]), said=f"{len(files):,} files {said}: {named}.", todo=_TODO),
    )
