"""Which backup a restore of production begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ops import errors, prod_restore_ways, recovery_target
from ops.backups import Backup, Holdings, Source

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def backup(number: int) -> Backup:
    at = NOON + timedelta(hours=number)
    place = number * 2**24
    return Backup(
        id=f"b{number}",
        kind="physical",
        began=at,
        ended=at,
        major=18,
        size=1,
        start_lsn=place,
        stop_lsn=place + 256,
    )


@dataclass
class Held:
    """A source that only says what it has."""

    def holdings(self) -> Holdings:
        return Holdings(backups=(backup(1), backup(2)))


SOURCE = cast("Source", cast("Any", Held()))


@pytest.mark.parametrize(
    ("target", "chosen"),
    [
        ("latest", "b2"),
        ("2026-03-01T13:30:00Z", "b1"),
        ("2026-03-01T14:30:00Z", "b2"),
        ("lsn:0/1000200", "b1"),
        ("lsn:0/2000100", "b2"),
    ],
)
def test_the_last_one_before_the_target_is_taken(target: str, chosen: str):
    assert prod_restore_ways.before(SOURCE, recovery_target.read(target)).id == chosen


@pytest.mark.parametrize("target", ["2026-03-01T12:30:00Z", "lsn:0/1000010"])
def test_none_is_taken_where_each_ended_later(target: str):
    with pytest.raises(errors.CheckFailed, match="None of 2 backups ended before"):
        prod_restore_ways.before(SOURCE, recovery_target.read(target))
