"""A temporary project made from a hosted project's backup: a branch with data, the one way that the API publishes.

Every other restore of the API is in place, onto production, and no drill may ask for that. What is made is removed
whatever happens: its name says whose it is, and a record is written before it is asked for, so that what a killed
run left is found by both, and nothing else is ever removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets as randomness
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from ops import errors, secrets
from ops.management_client import Client

PREFIX = "runbooks-restore-"
_READY = "ACTIVE_HEALTHY"
_FAILED = frozenset({"INIT_FAILED", "RESTORE_FAILED", "PAUSE_FAILED", "REMOVED", "GOING_DOWN"})
_STEP = timedelta(seconds=5)


@dataclass(frozen=True)
class Branch:
    """The temporary project and its login."""

    id: str
    name: str
    detail: dict[str, Any]

    @property
    def dsn(self) -> str:
        """The URL of its database; the password is remembered as a secret."""
        found = self.detail
        missing = [key for key in ("db_user", "db_pass") if not found.get(key)]
        if missing:
            raise errors.CheckFailed(
                f"The Management API does not tell {' and '.join(missing)} of {self.name}, so its database cannot be "
                "looked at. The token's owner needs the right to see a branch's database credentials."
            )
        secrets.remember(str(found["db_pass"]))
        login = f"{quote(str(found['db_user']), safe='')}:{quote(str(found['db_pass']), safe='')}"
        return f"postgresql://{login}@{found['db_host']}:{found['db_port']}/postgres"


@contextmanager
def made(
    client: Client,
    records: Path,
    *,
    within: timedelta,
    looking: Callable[[str], None],
    step: timedelta = _STEP,
) -> Generator[Branch]:
    """Make the temporary project and wait until it is up; it is removed when the block ends.

    Raises:
        CheckFailed: it could not be restored.
        Unavailable: it was not up within the time, or could not be removed.
    """
    deadline = time.monotonic() + within.total_seconds()
    remove_left_over(client, records)
    name = f"{PREFIX}{randomness.token_hex(6)}"
    record = _record(records, client, name)
    path, body = f"/v1/projects/{client.settings.ref}/branches", {"branch_name": name, "with_data": True}
    try:
        said = client.ask("POST", path, body)
    except errors.Unavailable:
        # It may still come into being: the record stays, so that a later run looks for it.
        _remove(client, name)
        raise
    except errors.OpsError:
        record.unlink()
        raise
    try:
        yield _up(client, str(said["id"]), name, deadline, looking, step)
    finally:
        _remove(client, name)
        record.unlink()


def remove_left_over(client: Client, records: Path) -> tuple[str, ...]:
    """Remove what runs that are dead have left of this project, by their records; return the names."""
    gone: list[str] = []
    for record in sorted(records.glob(f"{PREFIX}*.json")):
        try:
            said = json.loads(record.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            # Somebody else has just removed it, or it is none of ours.
            continue
        name = str(said.get("name", ""))
        ours = said.get("ref") == client.settings.ref and name == record.stem and name.startswith(PREFIX)
        if not ours or _is_alive(int(said["pid"]), float(said["started"])):
            continue
        _remove(client, name)
        record.unlink(missing_ok=True)
        gone.append(name)
    return tuple(gone)


def _up(
    client: Client,
    branch: str,
    name: str,
    deadline: float,
    looking: Callable[[str], None],
    step: timedelta,
) -> Branch:
    while time.monotonic() < deadline:
        detail: dict[str, Any] = client.get(f"/v1/branches/{branch}")
        status = str(detail["status"])
        looking(status)
        if status in _FAILED:
            raise errors.CheckFailed(
                f"The backup was not restored: the temporary project {name} is {status}."
            )
        if status == _READY and _healthy(client, str(detail["ref"])):
            return Branch(branch, name, detail)
        time.sleep(min(step.total_seconds(), max(0.0, deadline - time.monotonic())))
    raise errors.Unavailable(f"The temporary project {name} was not up within its time, and is removed.")


def _healthy(client: Client, ref: str) -> bool:
    services: list[dict[str, Any]] = client.get(f"/v1/projects/{ref}/health?services=db")
    return all(each["status"] == _READY for each in services)


def _remove(client: Client, name: str) -> None:
    """Remove the branch of this name, where there is one; a default branch is production and never removed."""
    listed: list[dict[str, Any]] = client.get(f"/v1/projects/{client.settings.ref}/branches")
    for each in listed:
        own = each["name"] == name and name.startswith(PREFIX) and not each["is_default"]
        if own and each["project_ref"] != client.settings.ref:
            client.ask("DELETE", f"/v1/branches/{each['id']}", absent_is_fine=True)


def _record(records: Path, client: Client, name: str) -> Path:
    records.mkdir(parents=True, exist_ok=True)
    path = records / f"{name}.json"
    said = {
        "name": name,
        "ref": client.settings.ref,
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
    }
    # Whole or not there: half a record would be of nobody.
    half = path.with_suffix(".half")
    with half.open("x", encoding="utf-8") as file:
        json.dump(said, file)
        file.flush()
        os.fsync(file.fileno())
    half.rename(path)
    return path


def _is_alive(pid: int, started: float) -> bool:
    """Whether this very process runs; a number alone may be another's by now."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).create_time() == started
    return False
