"""How a page of the REST API is taken apart, and what a key says of itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from ops import errors, eval_export_fields, eval_rest_key, eval_rest_pages
from ops.eval_export_source import Record
from tests import fix_postgrest


def test_rows_stay_as_they_stand_there():
    rows = [b'{"id":1,"cost":0.100000}', b'{"id":123456789012345678901234567890}', b'{"a":"\\ud800"}']
    found = eval_rest_pages.split(b"[" + b", \n ".join(rows) + b"]")
    assert [row for row, _ in found] == rows
    assert found[0][1] == json.loads(rows[0])


@pytest.mark.parametrize("rest", [b"", b', \n {"id":2}'])
def test_json_with_line_breaks_is_one_line_each(rest: bytes):
    found = eval_rest_pages.split(b'[{"id":1,"j":[{"a":1}, \n {"b":2}]}' + rest + b"]")
    assert json.loads(found[0][0]) == {"id": 1, "j": [{"a": 1}, {"b": 2}]}
    assert len(found) == (2 if rest else 1)
    assert all(b"\n" not in row for row, _ in found)


ROWS = (
    b'{"id":7,"created_at":"2026-01-01T00:00:00.5+00:00","output":{"id":8,"created_at":"x"},"cost":0.10}',
    b'{"created_at":null,"id":123456789012345678901234567890}',
    b'{"id":"a","created_at":1767225600,"id":"b"}',
    b'{"note":"neither"}',
)
ODD = (
    b'{"id":1,"created_at":"2026-01-01T00:00:00Z","j":{"a":1, \n "b":2}}',
    b'{"id":1,"j":"\\ud800"}',
    b'{"id":"\\ud800"}',
    b'{"id":1,"j":NaN}',
    b'{"id":1,"j":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
)


@pytest.mark.parametrize("rows", [ROWS, *([row] for row in (*ROWS, *ODD)), *((ROWS[0], row) for row in ODD)])
def test_reading_no_more_than_keys_and_times_reads_the_same(rows: Sequence[bytes]):
    page = b"[" + b", \n ".join(rows) + b"]"
    picked = eval_export_fields.Picked("id", "created_at")
    whole = [Record(row, *picked.of(record)) for row, record in eval_rest_pages.split(page)]
    assert len(whole) == len(rows)
    assert eval_rest_pages.Rows("id", "created_at").of(page) in ([], whole)


def test_what_is_read_of_a_page_that_is_as_it_should_be():
    found = eval_rest_pages.Rows("id", "created_at").of(b"[" + b", \n ".join(ROWS) + b"]")
    assert [record.key for record in found] == ["7", "123456789012345678901234567890", "b", None]
    assert [record.created is None for record in found] == [False, True, False, True]
    assert [record.line for record in found] == list(ROWS)
    (alone,) = eval_rest_pages.Rows("at", "at").of(b'[{"at":"2026-01-01T00:00:00Z"}]')
    assert (alone.key, alone.created) == ("2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC))


def test_an_empty_page_has_no_rows_and_half_a_page_is_none():
    assert eval_rest_pages.split(b"[]") == []
    with pytest.raises(errors.Unavailable, match="half a page"):
        eval_rest_pages.split(b'[{"id":1}, \n {"id"')


@pytest.mark.parametrize(
    ("key", "role"),
    [
        (fix_postgrest.token("anon"), "anon"),
        (fix_postgrest.token("service_role"), "service_role"),
        ("sb_publishable_x", "anon"),
        ("sb_" + "secret_x", "service_role"),
        ("a.b.c", None),
        ("a.W10.c", None),
        ("none", None),
    ],
)
def test_a_key_says_its_role(key: str, role: str | None):
    assert eval_rest_key.role(key) == role


def test_whole_numbers_of_any_size_stay_what_they_are():
    assert eval_export_fields.loaded(b'{"id":123456789012345678901}') == {"id": 123456789012345678901}
