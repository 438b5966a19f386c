"""Deployment windows: read, compared with the wall's clock, over midnight and when the clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import deployment_window, weekly
from ops.project import Environment
from ops.release_settings import Promotion

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Santiago",
)
DAYS = dict(enumerate(weekly.DAYS))

minutes = st.integers(0, 24 * 60 - 1)
entries = st.tuples(
    st.sets(st.sampled_from(weekly.DAYS), min_size=1), minutes, st.integers(1, 24 * 60)
).filter(lambda each: each[1] != each[2])
instants = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def written(entry: tuple[set[str], int, int]) -> str:
    days, begin, end = entry
    return f"{','.join(sorted(days))} {clock(begin)}-{clock(end)}"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def open_at(entry: str, *when: str, zone: ZoneInfo = BERLIN) -> list[bool]:
    return [weekly.within([weekly.read(entry)], at(each), zone) for each in when]


def next_of(hours: list[weekly.Hours], now: str) -> datetime:
    found = weekly.opens(hours, at(now), BERLIN)
    assert found is not None
    # Python calls no two zones' times equal in an hour that comes twice.
    return found.astimezone(UTC)


@given(entries, instants, st.sampled_from(ZONES))
def test_it_is_open_when_the_wall_says_so(entry: tuple[set[str], int, int], now: datetime, zone: str):
    days, begin, end = entry
    wall = now.astimezone(ZoneInfo(zone))
    today, yesterday = DAYS[wall.weekday()], DAYS[(wall.weekday() - 1) % 7]
    minute = wall.hour * 60 + wall.minute
    # Minutes since the midnight at which the window's day began, be that today's or yesterday's.
    length = end - begin if end > begin else end + 1440 - begin
    expected = (today in days and begin <= minute < begin + length) or (
        yesterday in days and begin <= minute + 1440 < begin + length
    )
    assert weekly.within([weekly.read(written(entry))], now, ZoneInfo(zone)) is expected


@settings(max_examples=30, deadline=None)
@given(st.lists(entries, min_size=1, max_size=3), instants, st.sampled_from(ZONES), st.data())
def test_it_opens_when_it_says_and_not_before(
    entry: list[tuple[set[str], int, int]], now: datetime, zone: str, data: st.DataObject
):
    hours = [weekly.read(written(each)) for each in entry]
    opens = weekly.opens(hours, now, ZoneInfo(zone))
    assert opens is not None, "each of these has an hour in any two weeks"
    assert opens > now
    assert weekly.within(hours, opens, ZoneInfo(zone))
    if not weekly.within(hours, now, ZoneInfo(zone)):
        earlier = now + data.draw(st.timedeltas(timedelta(0), opens - now - timedelta.resolution))
        assert not weekly.within(hours, earlier, ZoneInfo(zone))


def test_the_runbooks_kinds_of_window():
    thu, fri, sat = "2026-07-02", "2026-07-03", "2026-07-04"
    plain = open_at("mon-thu 08:00-16:00", f"{thu}T05:59Z", f"{thu}T06:00Z", f"{thu}T13:59Z", f"{thu}T14:00Z")
    assert plain == [False, True, True, False]
    assert open_at("mon-thu 08:00-16:00", f"{fri}T08:00Z") == [False]
    night = open_at(
        "fri 22:00-02:00", f"{fri}T20:00Z", f"{fri}T23:59Z", f"{sat}T00:00Z", f"{fri}T00:30+02:00"
    )
    assert night == [True, True, False, False]
    assert open_at("sat-mon 00:00-24:00", f"{sat}T12:00Z", f"{fri}T12:00Z", "2026-07-06T12:00Z") == [
        True,
        False,
        True,
    ]


def test_a_changed_clock():
    # In Berlin 02:00 to 03:00 is left out on 2026-03-29 and comes twice on 2026-10-25.
    assert open_at("sun 02:30-03:30", "2026-03-29T00:59Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z") == [
        False,
        True,
        False,
    ]
    assert open_at("sun 02:00-02:30", "2026-10-25T00:10Z", "2026-10-25T00:40Z", "2026-10-25T01:10Z") == [
        True,
        False,
        True,
    ]
    hours = [weekly.read("sun 02:10-02:50")]
    skipped = next_of(hours, "2026-03-28T12:00Z")
    assert skipped == at("2026-04-05T02:10+02:00")
    again = next_of(hours, "2026-10-25T00:55Z")
    assert again == at("2026-10-25T01:10Z")
    jumped = next_of([weekly.read("sun 01:30-02:30")], "2026-10-25T00:45Z")
    assert jumped == at("2026-10-25T01:00Z")


@pytest.mark.parametrize(
    "entry",
    [
        *("", "mon", "08:00-16:00", "mon 8:00-16:00", "mon 08:00", "mon-xyz 08:00-16:00", "mon 08:00-16:60"),
        *(
            "mon 24:00-02:00",
            "mon 08:00-25:00",
            "mon 08:00-08:00",
            "mon  08:00-16:00",
            "mon, tue 08:00-16:00",
        ),
        *("mon 08:00-16:00 ", "mon 24:30-08:00"),
    ],
)
def test_what_is_no_window_is_refused(entry: str):
    with pytest.raises(ValueError, match=r"no window|no length|no time of a day"):
        weekly.read(entry)


def test_the_condition_says_when_the_next_one_opens():
    promotion = Promotion(window=("mon-thu 08:00-16:00", "FRI 08:00-12:00"), timezone="Europe/Berlin")
    where = Environment(name="production", promotion=promotion)
    within = deployment_window.check(where, now=at("2026-07-02T06:00Z"))
    assert within.ok
    assert "It is thu 2026-07-02 08:00 CEST" in within.summary
    after = deployment_window.check(where, now=at("2026-07-03T10:00Z"))
    assert not after.ok
    assert "It opens on mon 2026-07-06 08:00 CEST" in after.summary
    assert after.rows[0]["opens"] == "2026-07-06T08:00+02:00"
    always = deployment_window.check(Environment(name="production"))
    assert (always.ok, always.idle) == (True, True)


def test_the_time_of_now_is_asked():
    day = weekly.DAYS[datetime.now(UTC).weekday()]
    around = {weekly.DAYS[(datetime.now(UTC) + timedelta(days=n)).weekday()] for n in (-1, 1)} | {day}
    entry = f"{','.join(sorted(around))} 00:00-24:00"
    assert deployment_window.check(Environment(name="x", promotion=Promotion(window=(entry,)))).ok
    other = next(iter(set(weekly.DAYS) - around))
    assert not deployment_window.check(
        Environment(name="x", promotion=Promotion(window=(f"{other} 00:00-24:00",)))
    ).ok
