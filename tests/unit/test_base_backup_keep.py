"""Which backups are kept: so many full ones, whatever the window needs, and never one on which a kept one builds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import base_backup_keep
from ops.backups import Backup

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def backup(days: int, *parents: str) -> Backup:
    at = NOON - timedelta(days=days)
    return Backup(
        id=str(days), kind="physical", began=at, ended=at + timedelta(hours=1), major=18, size=1, parents=parents
    )  # fmt: skip


def chosen(*backups: Backup, keep: int = 2) -> tuple[list[str], list[str]]:
    choice = base_backup_keep.choose(backups, keep=keep, window=WEEK, now=NOON)
    return [each.id for each in choice.kept], [each.id for each in choice.old]


def test_the_window_needs_the_full_backup_before_it():
    nightly = [backup(day) for day in range(10, -1, -1)]
    assert chosen(*nightly) == (["8", "7", "6", "5", "4", "3", "2", "1", "0"], ["10", "9"])


def test_so_many_full_ones_are_kept_however_old():
    assert chosen(backup(40), backup(30), backup(20)) == (["30", "20"], ["40"])
    assert chosen(backup(40), backup(30), backup(20), keep=3)[1] == []


def test_nothing_goes_where_the_window_is_not_full_yet():
    assert chosen(*[backup(day) for day in range(6, -1, -1)])[1] == []


def test_incremental_ones_go_with_their_full_one_and_stay_with_it():
    ordered = [
        *(backup(20), backup(19, "20")),
        *(backup(12), backup(11, "12"), backup(10, "12", "11")),
        *(backup(5), backup(4, "5"), backup(0, "5", "4")),
    ]
    assert chosen(*ordered) == (["12", "11", "10", "5", "4", "0"], ["20", "19"])


@st.composite
def histories(draw: st.DrawFn) -> list[Backup]:
    days = sorted(draw(st.sets(st.integers(0, 60), min_size=1)), reverse=True)
    made: list[Backup] = []
    for day in days:
        chain = (*made[-1].parents, made[-1].id) if made and draw(st.booleans()) else ()
        made.append(backup(day, *chain))
    return made


@given(histories(), st.integers(1, 8))
def test_what_is_kept_can_be_restored_and_the_window_with_it(made: list[Backup], keep: int):
    choice = base_backup_keep.choose(made, keep=keep, window=WEEK, now=NOON)
    kept = {each.id for each in choice.kept}
    assert [*choice.old, *choice.kept] == sorted(made, key=lambda each: each.began) or choice.old
    assert made[-1].id in kept
    assert all(parent in kept for each in choice.kept for parent in each.parents)
    assert len([each for each in choice.kept if not each.parents]) >= min(
        keep, len([each for each in made if not each.parents])
    )
    start = NOON - WEEK
    if any(each.ended <= start for each in made):
        assert any(each.ended <= start for each in choice.kept)


@pytest.mark.parametrize("keep", [1, 5])
def test_one_backup_is_always_kept(keep: int):
    assert chosen(backup(100), keep=keep) == (["100"], [])
