"""Sizes from one look to the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops import growth_samples
from ops.growth_samples import Sample

START = datetime(2026, 1, 4, tzinfo=UTC)


def test_a_bucket_counts_from_its_first_file_and_only_where_somebody_could_look():
    buckets = [{}, {"a": 1}, None, {}, {"a": 3}]
    samples = [Sample(at=START + timedelta(n), whole=1, buckets=each) for n, each in enumerate(buckets)]
    assert [(at.day, size) for at, size in growth_samples.of_bucket(samples, "a")] == [(5, 1), (7, 0), (8, 3)]
    assert [size for _, size in growth_samples.of_buckets(samples)] == [0, 1, 0, 3]
    assert growth_samples.of_bucket(samples, "b") == []


def test_a_look_that_is_tried_again_is_one_sample(tmp_path: Path):
    growth_samples.keep(tmp_path, "production", Sample(at=START, whole=1))
    kept = growth_samples.keep(tmp_path, "production", Sample(at=START, whole=2))
    assert [each.whole for each in kept] == [2]
