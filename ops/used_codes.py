"""The one-time codes that were used: a code that was used in one environment is used in all that share its seed.

They are kept beside the approvers' store, which several projects may share, and in the evidence store, where several
stores may have the same seed. An entry says what the code was for, so that a pass that was killed comes again.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from ops import errors, people
from ops.attempts import LOGGER
from ops.people import Person

_NAME = "codes.used"
_NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS)


def use(person: Person, step: int, purpose: str, *, store: str | None, folder: Path) -> bool:
    """Use a code up for this purpose; false where it was used for another one. `folder` is that of the evidence.

    Raises:
        Unavailable: that cannot be written down.
    """
    code = hmac.new(person.seed.encode(), str(step).encode(), hashlib.sha256).hexdigest()
    # In each place, also where the first one knows it already.
    found = [_use(path, code, purpose, needed=needed) for path, needed in _places(store, folder)]
    return all(found)


def purposes(folder: Path, environment: str) -> list[str]:
    """Return for what codes were used in an environment, by the evidence store; `folder` is that of the evidence."""
    path = folder / _NAME
    found: list[str] = []
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        with suppress(ValueError, KeyError, TypeError):
            found.append(str(json.loads(line)["for"]))
    return [each for each in found if each.startswith(f"{environment}/")]


def _places(store: str | None, folder: Path) -> Iterator[tuple[Path, bool]]:
    yield folder / _NAME, True
    if kept := people.file_of(store or ""):
        whole = kept.resolve()
        yield whole.with_name(f"{whole.name}.used"), False


def _use(path: Path, code: str, purpose: str, *, needed: bool) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            return _used_for(file, code, purpose)
    except OSError as error:
        if not needed and error.errno in _NOT_OURS:
            LOGGER.warning(
                "That a code was used cannot be written to %s (%s), so another project with the same approvers does "
                "not see it. Let the worker's user write to that folder.",
                path.name,
                error.strerror,
            )
            return True
        raise errors.Unavailable(
            f"That a code was used cannot be written to {path.name} ({error.strerror}), so it is not judged. Make "
            "room, or give the right."
        ) from None


def _used_for(file: IO[bytes], code: str, purpose: str) -> bool:
    text = file.read()
    for line in text.splitlines():
        # Half a line is of a run that was killed before it could use anything.
        with suppress(ValueError, KeyError, TypeError):
            said = json.loads(line)
            if said["code"] == code:
                return bool(said["for"] == purpose)
    whole = b"" if not text or text.endswith(b"\n") else b"\n"
    file.write(whole + json.dumps({"code": code, "for": purpose}).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())
    return True
