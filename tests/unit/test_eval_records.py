"""A record is found in whatever shape it was logged, and what is odd about it is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ops import errors, eval_mapping
from ops.eval_problems import Unreadable
from ops.eval_records import Reader, Record
from ops.eval_settings import Fields
from tests.eval_nights import record

NAMES = Fields().model_dump(exclude={"latency_unit"})
HORIZON = datetime(2026, 3, 1, tzinfo=UTC)
MOMENT = "2026-02-15T20:50:00+00:00"


def read(given: Any, **fields: str) -> Record:
    line = given if isinstance(given, bytes) else json.dumps(given).encode()
    return Reader({**NAMES, **fields}, horizon=HORIZON).read(line + b"\n", at=0)


def test_a_record_that_is_well_has_no_problem():
    found = read(record(7))
    assert (found.key, found.provider, found.latency_ms, found.cost_micros) == ("7", "openai", 420, 12_300)
    assert (found.text, found.created, found.publish) == ("Lot 1\nA clean cup.", MOMENT, "published")
    assert found.problems == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"id": None}, "key: missing"),
        ({"id": {"a": 1}}, "key: wrong type"),
        ({"id": "k" * 301}, "key: too long"),
        ({"output": None}, "output: missing"),
        ({"output": ["one", "two"]}, "output: array for text"),
        ({"selected_provider": ""}, "provider: unknown"),
        ({"selected_provider": "  "}, "provider: unknown"),
        ({"selected_provider": {"name": "x"}}, "provider: wrong type"),
        ({"selected_provider": ["openai"]}, "provider: array for text"),
        ({"selected_provider": "a\0b"}, "provider: NUL"),
        ({"selected_provider": "p" * 201}, "provider: too long"),
        ({"environment": None}, "environment: missing"),
        ({"route_strategy": True}, "route_strategy: wrong type"),
        ({"latency_ms": -1}, "latency_ms: negative"),
        ({"latency_ms": "420"}, "latency_ms: number as text"),
        ({"latency_ms": "fast"}, "latency_ms: wrong type"),
        ({"latency_ms": "NaN"}, "latency_ms: not finite"),
        ({"latency_ms": [1]}, "latency_ms: wrong type"),
        ({"latency_ms": True}, "latency_ms: wrong type"),
        ({"latency_ms": 1e300}, "latency_ms: out of range"),
        ({"cost_usd": 1e6}, "cost_usd: out of range"),
        ({"cost_usd": float("nan")}, "line: number not finite"),
        ({"cost_usd": float("inf")}, "line: number not finite"),
        ({"created_at": "yesterday"}, "created: no time"),
        ({"created_at": 1e30}, "created: no time"),
        ({"created_at": []}, "created: wrong type"),
        ({"created_at": None}, "created: missing"),
        ({"created_at": "2026-03-01T00:00:01Z"}, "created: in the future"),
        ({"output": "half \ud83d of a pair"}, "line: lone surrogate"),
    ],
)
def test_what_is_odd_is_said_once_and_the_record_is_read(changed: dict[str, Any], problem: str):
    found = read(record(**changed))
    assert problem in found.problems
    assert found.key
    assert found.provider
    assert found.latency_ms is None or found.latency_ms >= 0
    found.text.encode()
    found.provider.encode()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"id": 1, "latency_ms": NaN}', "line: number not finite"),
        (b'{"id": 1, "latency_ms": -Infinity}', "line: number not finite"),
        (b'{"id": 1, "latency_ms": 1e999}', "line: number not finite"),
        (b'{"id": 1, "latency_ms": ' + b"9" * 5000 + b"}", "line: number not finite"),
        (b'{"id": 1, "output": "a\x00b"}', "line: control character in text"),
        (b'{"id": 1, "output": "\xff"}', "line: not UTF-8"),
        (b'{"id": 1, "output": "\xed\xa0\x80"}', "line: not UTF-8"),
    ],
)
def test_what_is_nearly_json_is_read(line: bytes, problem: str):
    found = read(line)
    assert problem in found.problems
    assert (found.key, found.latency_ms) == ("1", None)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{broken", "broken JSON"),
        (b'{"id": 1', "broken JSON"),
        (b"\x00\x01\x02", "broken JSON"),
        (b"[1]", "not an object"),
        (b'"text"', "not an object"),
        (b"null", "not an object"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_record_is_said_to_be_none(line: bytes, said: str):
    with pytest.raises(Unreadable, match=said):
        read(line)


@pytest.mark.parametrize(
    "created",
    [
        "2026-02-15T20:50:00Z",
        "2026-02-15 20:50:00",
        "2026-02-15 20:50:00 UTC",
        "2026-02-15T21:50:00.000000000+01:00",
        1771188600,
        1771188600.0,
        1771188600000,
        1771188600000000,
        1771188600000000000,
        "1771188600",
        "1771188600000",
    ],
)
def test_a_moment_is_the_same_however_it_is_written(created: Any):
    assert read(record(created_at=created)).created == MOMENT


def test_a_whole_number_of_any_size_is_a_key_to_its_last_digit():
    assert read(b'{"id": 123456789012345678901234567890}').key == "123456789012345678901234567890"


def test_records_without_a_key_are_told_apart_by_their_place():
    reader = Reader(NAMES)
    assert reader.read(b'{"output": "x"}', at=0).key != reader.read(b'{"output": "x"}', at=16).key


@pytest.mark.parametrize(
    ("output", "content"),
    [
        ('{"title": "t"}', {"title": "t"}),
        ('```json\n{"title": "t"}\n```', {"title": "t"}),
        ("  [1]", [1]),
        ('{"title": ', '{"title": '),
        ("prose", "prose"),
        (['{"title": "t"}'], {"title": "t"}),
        ([{"title": "t"}], [{"title": "t"}]),
    ],
)
def test_the_json_that_a_text_holds_is_found(output: Any, content: Any):
    assert read(record(output=output)).content == content


def test_all_texts_of_an_output_are_looked_at_however_deep():
    deep: Any = "at the bottom"
    for _ in range(900):
        deep = [deep, {"n": 4111}]
    assert "at the bottom" in read(record(output={"a": deep})).text
    assert "4111" in read(record(output={"a": deep})).text


@pytest.mark.parametrize(
    "expression",
    [
        "a",
        "a.b",
        '"odd name"',
        '"odd name".b',
        "a.b[0]",
        "a[-1].c",
        "a[1]",
        "b[5].c",
        "a.b.c[0][1]",
        "nothing.at[0].all",
    ],
)
def test_a_plain_path_finds_what_jmespath_finds(expression: str):
    jmespath = pytest.importorskip("jmespath")
    shapes: list[dict[str, Any]] = [
        {"a": {"b": ["x", "y"]}},
        {"a": [{"c": 1}, {"c": [2]}], "b": None},
        {"odd name": {"b": 2}, "a": "text"},
        {"a": {"b": {"c": [[1, 2]]}}},
        {},
    ]
    find = eval_mapping.finder("output", expression)
    assert [find(each) for each in shapes] == [jmespath.search(expression, each) for each in shapes]


def test_an_expression_that_fails_on_a_record_is_a_problem_of_that_record():
    found = read(record(output=5), output="length(output)")
    assert "output: the expression fails" in found.problems


def test_an_expression_that_is_none_is_refused_by_its_name():
    with pytest.raises(errors.Refused, match=r"eval\.fields\.output.*choices\[.*no JMESPath.*Mend"):
        eval_mapping.finder("output", "choices[")
