"""A time means the same to the window as to the sample, however it is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import eval_export_fields, eval_times, eval_values

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Milliseconds of the year 1973 and before would be seconds.
moments = st.datetimes(datetime(1974, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
BEFORE = [
    None,
    True,
    [],
    {},
    "",
    " ",
    "yesterday",
    "nan",
    float("nan"),
    float("inf"),
    10**400,
    "9" * 39,
    "0000-00-00",
]


def micros(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1)


@given(moments)
def test_window_and_sample_read_every_spelling_alike(when: datetime):
    number = micros(when)
    seconds = EPOCH + timedelta(seconds=number // 1_000_000)
    spelled: list[tuple[object, datetime]] = [
        (when.isoformat(), when),
        (when.replace(tzinfo=None).isoformat(" "), when),
        (f" {when.replace(tzinfo=None).isoformat(' ')} UTC", when),
        (when.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat(), when),
        (number // 1_000_000, seconds),
        (str(number // 1_000_000), seconds),
        (number // 1000, EPOCH + timedelta(milliseconds=number // 1000)),
        (str(number // 1000), EPOCH + timedelta(milliseconds=number // 1000)),
        (number, when),
        (str(number), when),
        (number * 1000, when),
        (str(number * 1000), when),
    ]
    for said, expected in spelled:
        assert eval_export_fields.moment(said) == expected, said
        assert eval_values.time(said, "created", []) == expected, said


@pytest.mark.parametrize("said", BEFORE, ids=str)
def test_what_is_no_time_is_none_to_both(said: object):
    assert eval_export_fields.moment(said) is None
    assert eval_values.time(said, "created", []) is None


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.from_regex(r"[-+0-9.eE]{1,24}")
)
def test_both_agree_on_anything(said: object):
    assert eval_export_fields.moment(said) == eval_values.time(said, "created", [])


@given(moments, st.sampled_from([1, 10**3, 10**6, 10**9]), st.booleans())
def test_a_moment_is_written_as_the_others_there_and_never_later(when: datetime, parts: int, decimals: bool):
    number = micros(when) * parts // 1_000_000
    unit = eval_times.unit(float(number) if decimals else number)
    assert unit == eval_times.Unit(parts, decimals)
    written = eval_times.read(eval_times.written(when, unit))
    apart = timedelta(0) if parts >= 10**6 else timedelta(seconds=1 / parts)
    # A text with decimals is read as a float.
    near = timedelta(microseconds=1 if decimals else 0)
    assert -near <= when - written <= max(near, near if decimals else apart)
