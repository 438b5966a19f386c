"""Gaps in WAL: found by names alone, as a simple-minded search of every name finds them."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import recovery_target, wal_segments
from ops.wal_segments import Gap, Place, Run, name_of

MB = 1024 * 1024
SIZES = [bits * MB for bits in (1, 16, 64, 1024)]
SUFFIX = st.sampled_from(["", *wal_segments.SUFFIXES])


def history(*switches: Place) -> str:
    return "".join(
        f"{each.timeline}\t{recovery_target.written(each.lsn)}\tno recovery target specified\n\n"
        for each in switches
    )


def names(timeline: int, *numbers: int, size: int = MB) -> list[str]:
    return [name_of(timeline, number, size=size) for number in numbers]


def gaps(listed: list[str], start: Place, **chosen: object) -> list[tuple[int, int, int]]:
    archive = wal_segments.read(listed, size=MB)
    covered = wal_segments.coverage(archive, start, **{"histories": {}, **chosen})  # pyright: ignore
    assert not covered.wrong
    return [tuple(gap) for gap in covered.gaps]


@pytest.mark.parametrize("size", SIZES)
@given(number=st.integers(0, 2**40), timeline=st.integers(1, 2**32 - 1), suffix=SUFFIX)
def test_a_name_is_read_as_it_was_written(size: int, number: int, timeline: int, suffix: str):
    number %= 2**64 // size
    archive = wal_segments.read([name_of(timeline, number, size=size) + suffix], size=size)
    assert archive.runs == {timeline: (Run(number, number),)}
    assert archive.strange == ()


def test_what_is_no_whole_segment_is_told_apart():
    given = [
        *names(1, 5),
        *("000000010000000000000006.partial", "00000002.history", "00000003.history.gz", ".0001.tmp"),
        *("000000010000000000000005.00000028.backup", "0000000100000000000000FG", "README"),
        "000000010000000000000007-0123456789abcdef0123456789abcdef01234567.gz",
    ]
    archive = wal_segments.read(given, size=MB)
    assert archive.runs == {1: (Run(5, 5), Run(7, 7))}
    assert archive.partial == {"000000010000000000000006.partial"}
    assert archive.histories == {2, 3}
    assert archive.labels == {"000000010000000000000005.00000028.backup"}
    assert archive.strange == (".0001.tmp", "0000000100000000000000FG", "README")


def test_a_segment_of_another_size_is_strange():
    assert wal_segments.read(names(1, 300, size=MB), size=16 * MB).strange == tuple(names(1, 300))


def test_a_partial_segment_is_not_there():
    listed = [*names(1, 3, 5), "000000010000000000000004.partial"]
    assert gaps(listed, Place(1, 3 * MB)) == [(1, 4, 4)]


def test_the_end_is_known_only_by_who_was_there():
    assert gaps(names(1, 3, 4), Place(1, 3 * MB)) == []
    assert gaps(names(1, 3, 4), Place(1, 3 * MB), reaches=Place(1, 7 * MB)) == [(1, 5, 6)]
    assert gaps(names(1, 3, 4), Place(1, 3 * MB), reaches=Place(1, 5 * MB)) == []


def test_nothing_at_all_is_one_gap():
    assert gaps([], Place(1, 3 * MB), reaches=Place(1, 5 * MB)) == [(1, 3, 4)]


def test_a_timeline_goes_on_in_the_segment_in_which_the_one_before_was_left():
    told = {2: history(Place(1, 5 * MB + 100))}
    listed = [*names(1, 3, 4), "000000010000000000000005.partial", "00000002.history", *names(2, 5, 6)]
    assert gaps(listed, Place(1, 3 * MB + 40), histories=told) == []
    assert gaps([*listed[:1], *listed[2:]], Place(1, 3 * MB), histories=told) == [(1, 4, 4)]
    assert gaps([each for each in listed if each not in names(2, 5)], Place(1, 3 * MB), histories=told) == [
        (2, 5, 5)
    ]


def test_a_timeline_of_which_nothing_is_archived_yet_is_no_gap():
    covered = wal_segments.coverage(
        wal_segments.read([*names(1, 3, 4), "00000002.history"], size=MB),
        Place(1, 3 * MB),
        histories={2: history(Place(1, 5 * MB + 100))},
    )
    assert covered.gaps == ()
    assert covered.end == Place(1, 5 * MB)
    assert covered.timelines == (1, 2)


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (Place(1, 6 * MB), "left timeline 1 at 0/500064, before this place"),
        (Place(2, 3 * MB), "timeline 2 is none of those before timeline 3"),
    ],
)
def test_a_backup_that_does_not_lead_onto_the_newest_timeline_is_recognised(start: Place, says: str):
    first = history(Place(1, 5 * MB + 100))
    told = {2: history(Place(1, 4 * MB)), 3: first} if start.timeline == 2 else {2: first}
    listed = [*names(1, 3, 4, 5, 6), *names(2, 3), *(f"{each:08X}.history" for each in told)]
    covered = wal_segments.coverage(wal_segments.read(listed, size=MB), start, histories=told)
    assert says in covered.wrong


def test_a_timeline_without_the_history_before_it_is_not_found_as_postgres_does_not():
    assert wal_segments.newest([2, 3, 5], 1) == 3
    assert wal_segments.newest([3], 1) == 1


@st.composite
def archives(draw: st.DrawFn) -> tuple[list[Place], list[str], Place]:
    """Timelines one after another, an archive with holes, and a place to begin on one of them."""
    at, path = draw(st.integers(0, 3 * MB)), list[Place]()
    begins = [at]
    for timeline in sorted(draw(st.sets(st.integers(1, 4), min_size=1)) | {1}):
        at += draw(st.integers(1, 6 * MB))
        path.append(Place(timeline, at))
        begins.append(at)
    listed = [
        name_of(timeline, number, size=MB) + draw(SUFFIX)
        for timeline, _ in path
        for number in draw(st.sets(st.integers(0, begins[-1] // MB + 2)))
    ]
    noise = draw(st.lists(st.text(string.hexdigits + ".", max_size=9), max_size=3))
    index = draw(st.integers(0, len(path) - 1))
    start = draw(st.integers(begins[index], path[index].lsn))
    return path, draw(st.permutations([*listed, *noise])), Place(path[index].timeline, start)


def missing_one_by_one(path: list[Place], listed: list[str], start: Place) -> list[str]:
    """Ask for each segment whether it is there; timeline by timeline, as recovery reads them."""
    there = {name[:24] for name in listed}
    found, at, begun = list[str](), start.lsn, False
    for timeline, left in path:
        begun = begun or timeline == start.timeline
        if not begun:
            continue
        is_last = timeline == path[-1].timeline
        last = max([n for n in range(200) if name_of(timeline, n, size=MB) in there], default=-1)
        until = last if is_last else left // MB - 1
        found += [
            name for n in range(at // MB, until + 1) if (name := name_of(timeline, n, size=MB)) not in there
        ]
        at = left
    return found


@given(archives())
def test_what_is_missing_is_what_a_simple_search_misses(drawn: tuple[list[Place], list[str], Place]):
    path, listed, start = drawn
    newest = path[-1].timeline
    told = {each: history(*(p for p in path if p.timeline < each)) for each in range(2, newest + 1)}
    covered = wal_segments.coverage(wal_segments.read(listed, size=MB), start, histories=told)
    assert not covered.wrong
    found = [name for gap in covered.gaps for name in named(gap)]
    assert found == missing_one_by_one(path, listed, start)
    assert all(before != after for before, after in zip(covered.gaps, covered.gaps[1:], strict=False))


def named(gap: Gap) -> list[str]:
    assert gap.missing == gap.last - gap.first + 1
    return names(gap.timeline, *range(gap.first, gap.last + 1))


def test_a_million_names_are_read_once_each():
    """The work is in proportion: each name is asked for once, and a run of any length is one piece."""
    asked = 0

    def million() -> object:
        nonlocal asked
        for number in range(1_000_000):
            asked += 1
            if number != 777_777:
                yield f"00000001{number >> 8:08X}{number & 255:08X}"

    archive = wal_segments.read(million())  # pyright: ignore[reportArgumentType]
    covered = wal_segments.coverage(archive, Place(1, 40), histories={})
    assert asked == 1_000_000
    assert archive.runs[1] == (Run(0, 777_776), Run(777_778, 999_999))
    assert covered.gaps == (Gap(1, 777_777, 777_777),)


class Counted(int):
    """A number that counts how often one like it was hashed or compared, also by what is written in C."""

    asked = 0

    def __hash__(self) -> int:
        Counted.asked += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        Counted.asked += 1
        return super().__eq__(other)

    def __lt__(self, other: int) -> bool:
        Counted.asked += 1
        return super().__lt__(other)

    def __gt__(self, other: int) -> bool:
        Counted.asked += 1
        return super().__gt__(other)

    def __add__(self, other: int) -> Counted:
        return Counted(super().__add__(other))

    def __sub__(self, other: int) -> Counted:
        return Counted(super().__sub__(other))

    def __mul__(self, other: int) -> Counted:
        return Counted(super().__mul__(other))


def asked_for(count: int, missing: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how often numbers were asked for among so many names, of which every so manieth is not there."""
    monkeypatch.setattr(wal_segments, "int", Counted, raising=False)
    listed = (name_of(1, number) for number in range(count) if number % missing)
    Counted.asked = 0
    covered = wal_segments.coverage(wal_segments.read(listed), Place(1, 40), histories={})
    monkeypatch.undo()
    assert len(covered.gaps) == (count - 1) // missing + 1
    return Counted.asked


@pytest.mark.parametrize("missing", [5_000, 100, 2], ids=["few gaps", "many", "each second one"])
def test_the_work_grows_as_the_names_do(missing: int, monkeypatch: pytest.MonkeyPatch):
    """Counted, not timed: twice the names are asked for twice as often, however many gaps there are."""
    small = asked_for(10_000, missing, monkeypatch)
    assert small <= 8 * 10_000
    assert asked_for(40_000, missing, monkeypatch) <= 4.2 * small
