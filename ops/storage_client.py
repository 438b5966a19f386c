"""Storage asked by its API as the service role, and as anybody: what it serves, what it signs, and what it takes.

Paths and fields are those of the published description of the Storage API (v1). What is listed there, and what HEAD
answers, are rows of the database: only a GET says what is in the bucket, and one byte of it is enough.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self, cast
from urllib.parse import quote

import httpx
import tenacity

from ops import errors, secrets, storage_digests
from ops.storage_digests import Digests

_TIMEOUT = 60.0
_TRIES = 3
_OF = re.compile(r"bytes .*/(\d+)")
_WITHOUT_END = timedelta(minutes=5)
_DOTS = (".", "..")


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as the bucket has it; a digest is there where all of it was read."""

    size: int
    tag: str
    md5: str = ""
    sha256: str = ""
    fits: bool | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of fetching a URL: the status, as Storage itself means it, and the digest of the bytes."""

    status: int
    sha256: str = ""
    size: int = 0


class KeyRefused(errors.Refused):
    """Storage does not take the key, or not for this: what was asked stands as it was, and another key may do it."""


class Place(Protocol):
    """The secret references of where a project's Storage is."""

    @property
    def url(self) -> str: ...
    @property
    def key(self) -> str: ...


class Client:
    """One project's Storage; safe to use in several threads."""

    def __init__(self, settings: Place) -> None:
        url, key = (secrets.open_secret(each) for each in (settings.url, settings.key))
        base = f"{url.rstrip('/')}/storage/v1"
        # Compressed on the way they would be other bytes.
        plain = {"Accept-Encoding": "identity"}
        headers = {**plain, "apikey": key, "Authorization": f"Bearer {key}"}
        self._own = httpx.Client(base_url=base, headers=headers, timeout=_TIMEOUT)
        self._anybody = httpx.Client(base_url=base, headers=plain, timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._own.close()
        self._anybody.close()

    def probe(self, bucket: str, name: str, *, size: int | None) -> Seen | None:
        """Return the object's size and tag as the bucket has them; None where it does not have it.

        Raises:
            Refused: the key is not taken.
            Unavailable: nobody answers, or with an error.
        """
        # Of nothing there is no first byte.
        headers = {"Range": "bytes=0-0"} if size else {}
        for attempt in _retrying():
            with attempt, _asked(self._own, "GET", _authenticated(bucket, name), headers=headers) as answer:
                if _missing(answer):
                    return None
                _verify(answer)
                whole = _OF.fullmatch(answer.headers.get("Content-Range", ""))
                length = whole[1] if whole else answer.headers.get("Content-Length", "0")
                return Seen(int(length), storage_digests.plain(answer.headers.get("ETag")))
        raise errors.Unavailable("Storage did not answer.")

    def read(self, bucket: str, name: str, *, tag: str = "") -> Seen | None:
        """Read an object whole; None where the bucket does not have it.

        Raises:
            Refused: the key is not taken.
            Unavailable: nobody answers, or with an error.
        """
        for attempt in _retrying():
            with attempt, _asked(self._own, "GET", _authenticated(bucket, name)) as answer:
                if _missing(answer):
                    return None
                _verify(answer)
                found = Digests(tag).feed(answer.iter_raw())
                there = storage_digests.plain(answer.headers.get("ETag"))
                return Seen(found.size, there, found.md5, found.sha256, found.fits)
        raise errors.Unavailable("Storage did not answer.")

    @contextmanager
    def signed(self, bucket: str, name: str, *, lasting: timedelta = _WITHOUT_END) -> Generator[str | None]:
        """Yield the token of a signed URL, which is a secret in the block; None where Storage does not sign it.

        Raises:
            Refused: the key is not taken.
            Unavailable: nobody answers, or with an error.
        """
        token = self._token(bucket, name, lasting)
        with secrets.remembered(token) if token else nullcontext():
            yield token

    def _token(self, bucket: str, name: str, lasting: timedelta) -> str | None:
        body = {"expiresIn": round(lasting.total_seconds())}
        for attempt in _retrying():
            with (
                attempt,
                _asked(self._own, "POST", f"/object/sign/{_path(bucket, name)}", json=body) as answer,
            ):
                if _missing(answer):
                    return None
                _verify(answer)
                said = str(_json(answer).get("signedURL", ""))
                return (said.rpartition("token=")[2] or None) if "token=" in said else None
        raise errors.Unavailable("Storage did not answer.")

    def fetch(self, way: str, bucket: str, name: str, *, token: str | None = None) -> Fetched:
        """Fetch an object as anybody does, by one of the ways `sign`, `public` or `` (none).

        Raises:
            Unavailable: nobody answers, or with an error of its own.
        """
        # One that was altered is nearly the right one.
        with secrets.remembered(token) if token else nullcontext():
            return self._fetch(way, bucket, name, token)

    def _fetch(self, way: str, bucket: str, name: str, token: str | None) -> Fetched:
        path = "/".join(part for part in ("/object", way, _path(bucket, name)) if part)
        for attempt in _retrying():
            with (
                attempt,
                _asked(self._anybody, "GET", path, params={"token": token} if token else None) as answer,
            ):
                status = _status(answer)
                if status >= 500 or status == 429:
                    raise _unavailable(f"it answers {status}")
                if status != 200:
                    return Fetched(status)
                found = Digests().feed(answer.iter_raw())
                return Fetched(status, found.sha256, found.size)
        raise errors.Unavailable("Storage did not answer.")

    def upload(self, bucket: str, name: str, content: Iterable[bytes], **facts: Any) -> None:
        """Upload an object in place of what is there, if the content is what the facts say.

        `facts` are size, sha256, mimetype, cache_control and user_metadata.

        Raises:
            KeyRefused: the key may not write it.
            Refused: Storage does not take it: its size, its kind or its name; or the content is another.
            Unavailable: nobody answers, or with an error.
        """
        if any(each in _DOTS for each in name.split("/")):
            raise errors.Refused(
                "its name has a part . or .., by which its path can lead to another object, so it was not uploaded"
            )
        content = _exactly(content, facts["size"], facts["sha256"])
        headers = {
            "x-upsert": "true",
            "Content-Type": facts["mimetype"] or "application/octet-stream",
            "Content-Length": str(facts["size"]),
            # Without these Storage would put its own in their place.
            "Cache-Control": facts["cache_control"] or "no-cache",
            "x-metadata": base64.b64encode(json.dumps(facts["user_metadata"] or {}).encode()).decode(),
        }
        with _asked(
            self._own, "POST", f"/object/{_path(bucket, name)}", headers=headers, content=content
        ) as answer:
            _verify(answer)


def _exactly(content: Iterable[bytes], size: int, sha256: str) -> Iterator[bytes]:
    """Yield the pieces, but the last only when all of them are what they should be: half an upload is none."""
    found, held = Digests(), b""
    for piece in content:
        found.feed([piece])
        if found.size > size:
            break
        if held:
            yield held
        held = piece
    if (found.size, found.sha256) != (size, sha256):
        raise errors.Refused(
            "the backup has other bytes than those that were approved, so they were not uploaded."
        )
    if held:
        yield held


def _path(bucket: str, name: str) -> str:
    return f"{quote(bucket, safe='')}/{'/'.join(map(_segment, name.split('/')))}"


def _segment(text: str) -> str:
    # A path is shortened at `..`, on the way or here already, and would lead to another object.
    return text.replace(".", "%2E") if text in _DOTS else quote(text)


def _authenticated(bucket: str, name: str) -> str:
    return f"/object/authenticated/{_path(bucket, name)}"


def _retrying() -> tenacity.Retrying:
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(errors.Unavailable),
        stop=tenacity.stop_after_attempt(_TRIES),
        wait=tenacity.wait_exponential(multiplier=0.2),
        reraise=True,
    )


@contextmanager
def _asked(client: httpx.Client, method: str, path: str, **given: Any) -> Generator[httpx.Response]:
    try:
        with client.stream(method, path, **given) as answer:
            yield answer
    except httpx.HTTPError as error:
        raise _unavailable(type(error).__name__) from None


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        answer.read()
        found = answer.json()
    except (httpx.StreamError, ValueError):
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _status(answer: httpx.Response) -> int:
    """Return the status that is meant: Storage says 400 for most of them, and which in the body."""
    if answer.status_code != 400:
        return 200 if answer.is_success else answer.status_code
    said = str(_json(answer).get("statusCode", ""))
    return int(said) if said.isdigit() else 400


def _missing(answer: httpx.Response) -> bool:
    return _status(answer) == 404


def _verify(answer: httpx.Response) -> None:
    status = _status(answer)
    if status == 200:
        return
    said = secrets.redact(str(_json(answer).get("message", "")))[:200]
    if status in (401, 403):
        raise KeyRefused(f"Storage does not take the key ({status}: {said}). Is it the service role's?")
    if status < 500 and status != 429:
        raise errors.Refused(f"Storage refuses it ({status}: {said}).")
    raise _unavailable(f"it answers {status}")


def _unavailable(why: str) -> errors.Unavailable:
    return errors.Unavailable(f"Storage was not reached ({why}).")
