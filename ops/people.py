"""The people who decide, each with the seed of their one-time codes (TOTP, RFC 6238), in a named store.

The store is one JSON file that only its owner may read, on the host of the worker; where it is a secret of another
kind (env:, command:) it is read here and kept by whoever makes it.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import unicodedata
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyotp.totp import TOTP

from ops import errors, secrets

ISSUER = "supabase-runbooks"
# A code is good in its own half minute and in the two beside it.
PERIOD = timedelta(seconds=30)
_BESIDE = (0, -1, 1)
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,39}")


class Person(BaseModel):
    """Somebody who was enrolled; the seed is the secret that their authenticator holds too."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    seed: str = Field(min_length=24, pattern=r"^[A-Z2-7]+$", repr=False)
    since: datetime


class _Store(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    people: dict[str, Person] = {}


@dataclass(frozen=True)
class Enrolled:
    """What somebody needs who was just enrolled."""

    name: str
    address: str


def known(name: str) -> str:
    """Return a name as it is kept: people type it in any case, and what is not seen of it does not count."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(" " if unicodedata.category(one) == "Cc" else one for one in plain)
    return " ".join("".join(one for one in seen if unicodedata.category(one)[0] != "C").split())


def read(store: str | None) -> Mapping[str, Person]:
    """Return the people of this store, by name; nobody where there is no store.

    Raises:
        Refused: the store is not there or cannot be read, others than its owner may read or replace it, or somebody is
            in it twice.
    """
    file = file_of(store or "")
    if file and not file.exists():
        raise errors.Refused(
            f"The approvers' store {file} is not there, so nobody's name can be proven and nothing is approved. Bring "
            "it back, or enrol people, which makes it: runbooks approvers add NAME."
        )
    people = _kept(store)
    _verify_different(people)
    return people


def verify_place(reference: str | None, root: Path, *, what: str) -> None:
    """Check that what proves a decision is not kept among the files of the operated project.

    Raises:
        Refused: it is a file below `root`, which whoever changes the project can read, commit or replace.
    """
    path = file_of(reference or "")
    if path and path.resolve().is_relative_to(root.resolve()):
        raise errors.Refused(
            f"The {what} {path.name} lies in the project's folder, where whoever changes the project can read or "
            "replace it, so it proves nothing. Move it out of there, to a folder that only the worker's user may enter."
        )


def add(
    store: str | None,
    name: str,
    *,
    environment: str,
    now: datetime,
    record: Callable[[str], object] = str,
) -> Enrolled:
    """Enrol somebody and return what their authenticator needs to know.

    `record` is told the name before the store is written; where it raises, nobody is enrolled.

    Raises:
        Refused: the name is not one, or is enrolled already, or the store is no file.
    """
    wanted = known(name)
    if not _NAME.fullmatch(wanted):
        raise errors.Refused(
            f"{name!r} is no name to approve under: take 2 to 40 letters, digits, dots or dashes, a letter first."
        )
    with _changed(store) as people:
        if wanted in people:
            raise errors.Refused(
                f"{wanted} is enrolled already. After a lost device remove them first: "
                f"runbooks approvers remove {wanted}."
            )
        if alike := [name for name in people if _looks(name) == _looks(wanted)]:
            raise errors.Refused(
                f"{wanted} would be {alike[0]} in another spelling, and one person would count twice. "
                "Take a name that is more different."
            )
        seed = pyotp.random_base32()
        secrets.remember(seed)
        people[wanted] = Person(seed=seed, since=now)
        record(wanted)
    totp = TOTP(seed, name=wanted, issuer=f"{ISSUER} {environment}")
    return Enrolled(wanted, str(totp.provisioning_uri()))  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]


def remove(store: str | None, name: str, *, record: Callable[[str], object] = str) -> str:
    """Take somebody out of the store; their codes are good for nothing from now on.

    `record` is told the name before the store is written; where it raises, nobody is removed.

    Raises:
        Refused: nobody of this name is enrolled, or the store is no file.
    """
    with _changed(store) as people:
        spelled = name if name in people else known(name)
        if people.pop(spelled, None) is None:
            raise errors.Refused(f"{known(name)} is not enrolled; {', '.join(people) or 'nobody is'}.")
        record(spelled)
    return spelled


def step(person: Person, code: str, at: datetime) -> int | None:
    """Return the number of the half minute to which a code of this person belongs, if it is near this time."""
    typed = re.sub(r"\s", "", code)
    totp = TOTP(person.seed)
    now = int(at.timestamp() // PERIOD.total_seconds())
    for number in (now + beside for beside in _BESIDE):
        if hmac.compare_digest(typed.encode(), totp.generate_otp(number).encode()):
            return number
    return None


def _kept(store: str | None) -> Mapping[str, Person]:
    if store is None:
        return {}
    path = file_of(store)
    if path and not path.exists():
        return {}
    if path:
        _verify_owner(path)
    try:
        people = _Store.model_validate_json(secrets.open_secret(store)).people
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise errors.Refused(
            f"The approvers' store cannot be read ({place or 'it is no JSON'}: {error.errors()[0]['msg']}), so nobody "
            "can approve. Mend it, or enrol people anew: runbooks approvers add NAME."
        ) from None
    for person in people.values():
        secrets.remember(person.seed)
    return people


def _verify_owner(path: Path) -> None:
    found, folder = path.stat(), path.resolve().parent.stat()
    others = folder.st_mode & 0o022 and not folder.st_mode & 0o1000
    if found.st_mode & 0o077:
        raise errors.Refused(
            f"The approvers' store {path.name} may be read by others than its owner, so its codes prove nothing. "
            f"chmod 600 it, and enrol everybody anew if somebody else can have read it."
        )
    if others or found.st_uid not in (os.geteuid(), 0):
        raise errors.Refused(
            f"The approvers' store {path.name} can be replaced by others than this user, so its codes prove nothing. "
            "Let only the worker's user own it and write to its folder."
        )


def _verify_different(people: Mapping[str, Person]) -> None:
    """Check that everybody is there once: under one spelling, with a seed of their own."""
    for name in people:
        if known(name) != name:
            raise errors.Refused(
                f"The approvers' store has the name {name!r}, which nobody can type: it is kept as {known(name)!r}. "
                "Mend it, or enrol them anew: runbooks approvers add NAME."
            )
    for said in ({name: _looks(name) for name in people}, {name: one.seed for name, one in people.items()}):
        names = {value: name for name, value in said.items()}
        for name, value in said.items():
            if names[value] != name:
                raise errors.Refused(
                    f"The approvers' store has one person twice, as {name} and as {names[value]}, who would count for "
                    "two. Remove one of them: runbooks approvers remove NAME."
                )


def _looks(name: str) -> str:
    return re.sub(r"[._ -]", "", name)


@contextmanager
def _changed(store: str | None) -> Generator[dict[str, Person]]:
    path = file_of(store or "")
    if path is None:
        raise errors.Refused(
            "The approvers of this environment are not kept in a file, so nobody can be added or removed here. "
            'Say approvers = "file:PATH" for the environment, or change them where they are kept.'
        )
    people = dict(_kept(store))
    yield people
    kept = {name: person.model_dump(mode="json") for name, person in sorted(people.items())}
    _write(path, {"people": kept})


def _write(path: Path, kept: Mapping[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.touch(mode=0o600)
        # In one line: a line of a secret counts as a secret of its own, and these would be everyday words.
        temporary.write_text(json.dumps(kept), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise errors.Refused(
            f"The approvers' store {path} cannot be written: {error.strerror}. Check its folder and its rights."
        ) from None


def file_of(store: str) -> Path | None:
    """Return the file of a store, where it is kept in one."""
    kind, _, name = store.partition(":")
    return Path(name).expanduser() if kind == "file" and name else None
