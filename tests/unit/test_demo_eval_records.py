"""The records of the demo: the same each time, realistic, and one provider worse this week."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

import jsonschema

from cli import demo_eval_records
from cli.demo_eval_records import WORSE, Described

UNTIL = datetime(2026, 3, 16, 2, tzinfo=UTC)
WEEK = timedelta(days=7)
SHAPE = {
    "properties": {
        "title": {"type": "string"},
        "body": {"type": "string"},
        "notes": {"type": "array"},
    },
    "required": ["title", "body"],
    "additionalProperties": False,
}
VALIDATOR = jsonschema.Draft202012Validator(SHAPE)


def made(**how: bool) -> list[Described]:
    return list(demo_eval_records.written(UNTIL, **how))


def valid(records: list[Described], provider: str, *, since: datetime) -> float:
    found = [each for each in records if each.provider == provider and each.created >= since]
    return sum(VALIDATOR.is_valid(json.loads(each.output)) for each in found) / len(found)


def test_the_same_seed_makes_the_same_records_and_another_one_others():
    assert made() == made()
    assert list(demo_eval_records.written(UNTIL, seed=1)) != made()


def test_they_come_over_two_weeks_and_none_at_the_edge_of_a_day():
    records = made()
    assert len(records) == 14 * 420
    assert all(one.created <= other.created for one, other in pairwise(records))
    since_midnight = [(UNTIL - each.created) % timedelta(days=1) for each in records]
    assert min(since_midnight) >= timedelta(minutes=20)
    assert max(since_midnight) <= timedelta(days=1) - timedelta(minutes=20)


def test_only_the_worse_provider_falls_and_only_this_week():
    records = made()
    before = [each for each in records if each.created < UNTIL - WEEK]
    tonight = UNTIL - timedelta(days=1)
    assert valid(records, WORSE, since=tonight) < 0.9
    assert valid(before, WORSE, since=UNTIL - 2 * WEEK) > 0.96
    assert all(valid(records, name, since=tonight) > 0.94 for name in ("openai", "anthropic"))


def test_without_the_new_model_all_else_is_the_same():
    both = list(zip(made(), made(worse=False), strict=True))
    changed = [one for one, other in both if one != other]
    assert 0 < len(changed) < 60
    assert {each.provider for each in changed} == {WORSE}
    assert {one.created for one, other in both} == {other.created for one, other in both}


def test_latencies_have_a_tail_and_costs_follow_the_length():
    records = [each for each in made() if each.provider == "anthropic"]
    latencies = sorted(each.latency_ms for each in records)
    assert 1000 < median(latencies) < 1200
    assert latencies[len(latencies) * 95 // 100] > 1.6 * median(latencies)
    assert all(0.0002 < each.cost_usd < 0.01 for each in records)
    assert {each.publish_state for each in records} == {"published", "edited", "discarded"}
