"""How a page of the REST API is taken apart, and what a key says of itself."""

from __future__ import annotations

import json

import pytest

from ops import errors, eval_rest_key, eval_rest_pages
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
