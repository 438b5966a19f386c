"""The files of Supabase Storage as its API lists and serves them, beside the rows of `storage.objects`.

Paths and fields are those of the published description of the Storage API (v1).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from ops import database, errors, queries, secrets
from ops.backup_settings import Storage
from ops.backups import Problem

_PAGE = 1000
_TIMEOUT = 30.0
_NAMED = 3
_TODO = "Restore the files too, from a copy of the bucket; the database alone does not bring them back."


@dataclass(frozen=True, slots=True)
class File:
    """A file by its bucket and name; `hash` is its MD5 where the service has kept it whole."""

    bucket: str
    name: str
    size: int
    hash: str | None

    def __str__(self) -> str:
        return f"{self.bucket}/{self.name}"


class Bucket:
    """The files of one project, asked as the service role."""

    def __init__(self, settings: Storage) -> None:
        url, key = (secrets.open_secret(each) for each in (settings.url, settings.key))
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/storage/v1",
            headers={"apikey": key, "Authorization": f"Bearer {key}"},
            timeout=_TIMEOUT,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def listed(self, bucket: str, folder: str = "") -> Iterator[File]:
        """Yield all files of a bucket, folder by folder.

        Raises:
            Unavailable: nobody answers, or with an error.
        """
        offset = 0
        while page := self._page(bucket, folder, offset):
            offset += len(page)
            for entry in page:
                path = f"{folder}/{entry['name']}" if folder else str(entry["name"])
                if entry.get("id") is None:
                    yield from self.listed(bucket, path)
                else:
                    yield _file(bucket, path, entry.get("metadata") or {})

    def digest(self, file: File) -> str | None:
        """Return the MD5 of a file's content, or None where the service does not serve it.

        Raises:
            Unavailable: nobody answers.
        """
        path = f"/object/authenticated/{quote(file.bucket)}/{quote(file.name)}"
        found = hashlib.md5(usedforsecurity=False)
        try:
            with self._client.stream("GET", path) as answer:
                if answer.status_code != 200:
                    return None
                for piece in answer.iter_bytes():
                    found.update(piece)
        except httpx.HTTPError as error:
            raise _unavailable(type(error).__name__) from None
        return found.hexdigest()

    def _page(self, bucket: str, folder: str, offset: int) -> list[dict[str, Any]]:
        body = {
            "prefix": folder,
            "limit": _PAGE,
            "offset": offset,
            "sortBy": {"column": "name", "order": "asc"},
        }
        try:
            answer = self._client.post(f"/object/list/{quote(bucket)}", json=body)
            if answer.status_code in (400, 404):
                return []
            return answer.raise_for_status().json()
        except httpx.HTTPStatusError as error:
            raise _unavailable(f"it answers {error.response.status_code}") from None
        except (httpx.HTTPError, ValueError) as error:
            raise _unavailable(type(error).__name__) from None


def compare(connection: database.Connection, settings: Storage) -> tuple[int, tuple[Problem, ...]]:
    """Compare what a restored database lists with what the buckets have, and read a sample of files whole.

    Returns how many files are listed, and what is wrong. Files that are newer than the database are no problem.

    Raises:
        Unavailable: nobody answers.
    """
    rows = connection.execute(queries.load("drill/storage_files")).fetchall()
    files = [File(str(bucket), str(name), int(size or 0), _whole(tag)) for bucket, name, size, tag in rows]
    bucket = Bucket(settings)
    try:
        there = {str(each): each for name in {f.bucket for f in files} for each in bucket.listed(name)}
        missing = [each for each in files if str(each) not in there]
        sizes = [each for each in files if (now := there.get(str(each))) and now.size != each.size]
        known = [each for each in files if each.hash and str(each) in there and each not in sizes]
        # The same files each time would leave the others unread for ever.
        sample = random.sample(known, min(settings.sample, len(known)))
        changed = [each for each in sample if bucket.digest(each) != each.hash]
    finally:
        bucket.close()
    return len(files), (
        *_problem(
            "storage-file-missing", missing, "are listed by the restored database and not in their bucket"
        ),
        *_problem(
            "storage-file-size", sizes, "have another size in their bucket than the restored database says"
        ),
        *_problem("storage-file-changed", changed, "are not served with the content that the database knows"),
    )


def _file(bucket: str, name: str, metadata: dict[str, Any]) -> File:
    return File(bucket, name, int(metadata.get("size") or 0), _whole(metadata.get("eTag")))


def _whole(tag: object) -> str | None:
    """Return the MD5 that a tag is; that of a file which was sent in parts is none."""
    plain = str(tag or "").strip('"')
    return plain if len(plain) == 32 and "-" not in plain else None


def _problem(kind: str, files: list[File], said: str) -> tuple[Problem, ...]:
    if not files:
        return ()
    named = ", ".join(str(each) for each in files[:_NAMED]) + (" and more" if len(files) > _NAMED else "")
    return (
        Problem(kind=kind, object=str(files[0]), said=f"{len(files):,} files {said}: {named}.", todo=_TODO),
    )


def _unavailable(why: str) -> errors.Unavailable:
    return errors.Unavailable(f"Storage was not reached ({why}), so its files were not compared.")
