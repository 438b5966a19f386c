"""The time of a line of a log, in the forms that apps and platforms write it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import log_stamp

Written = Callable[[datetime], str]
FORMS: dict[str, Written] = {
    "ISO": lambda at: f"{at.isoformat(timespec='milliseconds')} app started",
    "no colon in the offset": lambda at: f"{at:%Y-%m-%d %H:%M:%S.%f%z} app started",
    "a comma": lambda at: f"{at.isoformat(' ', 'milliseconds').replace('.', ',')} INFO started",
    "UTC": lambda at: f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC [17] LOG:  started",
    "Docker": lambda at: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}789Z started",
    "Compose": lambda at: f"app-web-1  | {at.isoformat(timespec='milliseconds')} started",
    "brackets": lambda at: f"[{at.isoformat(timespec='milliseconds')}] started",
    "a level": lambda at: f"\x1b[32mINFO\x1b[0m [{at.isoformat(timespec='milliseconds')}] started",
    "logfmt": lambda at: f'level=info ts={at.isoformat(timespec="milliseconds")} msg="started"',
    "JSON": lambda at: json.dumps({"level": "info", "time": at.isoformat(), "msg": "started"}),
    "milliseconds": lambda at: json.dumps(
        {"level": 30, "time": round(at.timestamp() * 1000), "msg": "started"}
    ),
    "seconds": lambda at: json.dumps({"ts": at.timestamp(), "msg": "started"}),
}
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
ZONES = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(at=MOMENTS, zone=ZONES)
def test_what_was_written_is_read(form: Written, at: datetime, zone: timezone):
    moment = at.replace(tzinfo=zone)
    found = log_stamp.read(form(moment), None)
    assert found is not None
    assert abs(found - moment) < timedelta(milliseconds=1)


@given(at=MOMENTS, zone=ZONES)
def test_a_web_server_has_whole_seconds(at: datetime, zone: timezone):
    moment = at.replace(tzinfo=zone, microsecond=0)
    line = f'127.0.0.1 - - [{moment:%d/%b/%Y:%H:%M:%S %z}] "GET /health HTTP/1.1" 200'
    assert log_stamp.read(line, None) == moment


@given(at=MOMENTS)
def test_a_time_of_no_zone_is_none_unless_the_zone_is_said(at: datetime):
    line = f"{at.isoformat(' ', 'milliseconds')} started"
    assert log_stamp.read(line, None) is None
    assert log_stamp.read(line, "UTC") == at.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "started",
        "started, the next run is at 2030-01-01T00:00:00Z",
        "started 2030-01-01T00:00:00Z",
        "2026-13-01T00:00:00Z started",
        '{"msg": "started at 2030-01-01T00:00:00Z"}',
        '{"time": true}',
        '{"time": "soon"}',
        '{"time": 1e300}',
        '{"time": "2030',
        "[1, 2]",
    ],
)
def test_a_line_without_a_time_has_none(line: str):
    assert log_stamp.read(line, "UTC") is None


@given(st.text())
def test_no_line_is_too_odd(line: str):
    log_stamp.read(line, None)
    log_stamp.read(line, "Europe/Berlin")
