"""What was told of a run, kept beside the run: as inputs of it, of which Prefect's server takes each key once.

So whoever is first tells, and a second report of the same crash, a retry and another janitor find it told. The keys:

    notice-KEY                      what is told, by the one who was first
    told-KEY-CHANNEL-try-N          somebody has begun to tell a channel, for the Nth time
    told-KEY-CHANNEL-failed-N       that try failed, and why
    told-KEY-CHANNEL-done           the channel has taken it
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import PrefectHTTPStatusError
from pydantic import ValidationError

from ops.notices import Notice

_NOTICE, _TOLD = "notice-", "told-"
_MOST = 200
_CONFLICT = 409


@dataclass
class Tries:
    """How often one channel was tried, and with what success."""

    done: bool = False
    count: int = 0
    last: datetime | None = None
    failed: dict[int, str] = field(default_factory=dict[int, str])

    @property
    def why(self) -> str | None:
        """Why the last try failed; nothing where it is not known to have failed."""
        return self.failed.get(self.count)


@dataclass(frozen=True)
class Board:
    """What is kept beside one run."""

    client: SyncPrefectClient
    run: UUID

    def put(self, key: str, notice: Notice) -> bool:
        """Keep what is told; false where somebody has done that already."""
        return self.claim(f"{_NOTICE}{key}", notice.model_dump(mode="json"))

    def notices(self) -> dict[str, Notice]:
        """Return what is told of this run, by its keys."""
        return {key: notice for key, value in self._kept(_NOTICE) if (notice := _read(value))}

    def read(self, key: str) -> Any:
        """Return the value under a key; nothing where there is none."""
        kept = self.client.filter_flow_run_input(self.run, key, _MOST, set())
        return next((each.decoded_value for each in kept if each.key == key), None)

    def tries(self, key: str, channel: str) -> Tries:
        """Return what became of telling a channel."""
        found = Tries()
        prefix = f"{_TOLD}{key}-{channel}-"
        for each in self.client.filter_flow_run_input(self.run, prefix, _MOST, set()):
            what, _, number = each.key.removeprefix(prefix).partition("-")
            if what == "done":
                found.done = True
            elif what == "failed" and number.isdecimal():
                found.failed[int(number)] = str(each.decoded_value)
            elif what == "try" and number.isdecimal() and int(number) > found.count:
                found.count, found.last = int(number), each.created
        return found

    def begin(self, key: str, channel: str, number: int) -> bool:
        """Say that a channel is about to be told for the nth time; false where somebody else is at it."""
        return self.claim(f"{_TOLD}{key}-{channel}-try-{number}", None)

    def end(self, key: str, channel: str, number: int, why: str) -> None:
        """Say what became of that: why it failed, or nothing."""
        what = f"failed-{number}" if why else "done"
        self.claim(f"{_TOLD}{key}-{channel}-{what}", why or None)

    def claim(self, key: str, value: object) -> bool:
        """Keep a value under a key; false where there is one."""
        try:
            self.client.create_flow_run_input(self.run, key, json.dumps(value))
        except PrefectHTTPStatusError as error:
            if error.response.status_code != _CONFLICT:
                raise
            return False
        return True

    def release(self, key: str) -> None:
        """Take a key away, so that it can be claimed again."""
        self.client.delete_flow_run_input(self.run, key)

    def _kept(self, prefix: str) -> Iterator[tuple[str, Any]]:
        for each in self.client.filter_flow_run_input(self.run, prefix, _MOST, set()):
            yield each.key.removeprefix(prefix), each.decoded_value


def _read(value: object) -> Notice | None:
    """Return a notice; anything can be written through the API."""
    try:
        return Notice.model_validate(value)
    except ValidationError:
        return None
