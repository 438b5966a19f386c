"""Slices are counted exactly, whatever the order and the number of parts, and each set of samples is there once."""

from __future__ import annotations

import io
import itertools
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ops import eval_rows, eval_slices, eval_tally, eval_worker
from ops.eval_measures import REGISTRY
from ops.eval_records import LABELS, Record
from ops.eval_tally import Counted
from ops.evals import Moments, Tally

MEASURES = list(REGISTRY)
label = st.sampled_from([None, "a", "b", "tab\tand\\N", "line\nfeed", "ü…"])
outcome = st.sampled_from([None, 0, 1000])
samples = st.lists(
    st.tuples(
        st.tuples(label, label, label, label),
        st.tuples(outcome, outcome, st.sampled_from([None, 0, 333, 500, 1000])),
        st.none() | st.integers(0, 5),
        st.none() | st.integers(0, 2_000_000),
        st.sets(st.sampled_from(MEASURES)),
    ),
    max_size=30,
)
Sample = tuple[Any, ...]


def row(number: int, sample: Sample) -> bytes:
    (provider, route, version, environment), values, latency, cost, errored = sample
    record = Record(
        key=f"k{number}",
        output=None,
        content=None,
        text="",
        labels=(provider or "unknown", route, version, environment),
        latency_ms=latency,
        cost_micros=cost,
        publish=None,
        created=None,
        redacted=None,
        problems=[],
    )
    judged = {name: value for name, value in zip(MEASURES, values, strict=True) if name not in errored}
    text = eval_rows.row(record, judged, sorted(errored), version="0a1b2c3d", linked=False)
    return f"{text}\n".encode()


def counted(rows: Sequence[bytes], kept: Sequence[list[str] | None] | None = None, **more: Any) -> Counted:
    kept = kept or [["a", "b", "unknown", "tab\tand\\N", "line\nfeed", "ü…"]] * 4
    return eval_tally.count(io.BytesIO(b"".join(rows)), kept=kept, **more)


def tallies(found: Counted, *, least: int = 1, dimensions: Sequence[str] = LABELS) -> tuple[Tally, ...]:
    return eval_slices.tallies(found, dimensions, least=least, measures=MEASURES)


def made(*labels: tuple[str | None, ...], **changed: Any) -> list[bytes]:
    """Return a row for each of these labels, schema-valid and safe."""
    values = changed.get("values", (1000, 1000, None))
    return [
        row(number, ((*each, *("x",) * (4 - len(each))), values, None, None, changed.get("errored", ())))
        for number, each in enumerate(labels)
    ]


@given(samples, st.integers(1, 5), st.randoms(use_true_random=False))
def test_parts_in_any_order_are_the_whole(found: list[Sample], parts: int, chance: random.Random):
    rows = [row(number, sample) for number, sample in enumerate(found)]
    whole = counted(rows)
    shuffled = chance.sample(rows, len(rows))
    together = Counted()
    for part in range(parts):
        sent = eval_worker.packed(counted(shuffled[part::parts], part=part))
        back = eval_worker.unpacked("count", sent)
        assert isinstance(back, Counted)
        together.add(back)
    assert tallies(together) == tallies(whole)
    assert sorted(each[:3] for each in together.worst) == sorted(each[:3] for each in whole.worst)


@given(samples)
def test_a_tally_is_what_the_samples_are(found: list[Sample]):
    for tally in tallies(counted([row(number, sample) for number, sample in enumerate(found)])):
        inside = [
            sample
            for sample in found
            if all((sample[0][LABELS.index(name)] or "unknown") == value for name, value in tally.where)
        ]
        assert tally.samples == len(inside)
        for place, name in enumerate(MEASURES):
            values = [s[1][place] for s in inside if name not in s[4] and s[1][place] is not None]
            assert tally.measures[name] == Moments(
                n=len(values), total=sum(values), squares=sum(value**2 for value in values)
            )
            assert tally.errored[name] == sum(name in sample[4] for sample in inside)
        if len(tally.where) < 2:
            assert tally.latency.total == sum(sample[2] or 0 for sample in inside)
            assert tally.cost.n == sum(sample[3] is not None for sample in inside)


def test_a_slice_that_holds_the_samples_of_another_is_there_too():
    rows = made(*[("p", "r1", "v1")] * 3, *[("p", "r2", "v1")] * 2)
    found = {
        tally.name: tally.samples for tally in tallies(counted(rows, [["p"], ["r1", "r2"], ["v1"], ["x"]]))
    }
    assert found["all records"] == found["provider p"] == found["prompt_template_version v1"] == 5
    assert found["provider p, route_strategy r1"] == found["route_strategy r1"] == 3


def test_a_pair_has_enough_samples_or_is_left_out():
    rows = made(*[("p", "r")] * 3, ("p", "s"), ("q", "r"), ("q", "s"))
    kept = [["p", "q"], ["r", "s"], ["x"], ["x"]]
    found = tallies(counted(rows, kept), least=3, dimensions=("provider", "route_strategy"))
    pairs = [tally.name for tally in found if len(tally.where) == 2]
    assert pairs == ["provider p, route_strategy r"]


def test_the_dimensions_are_those_of_the_configuration():
    rows = made(("p", "r"), ("q", "s"), ("q", "r"))
    kept = [["p", "q"], ["r", "s"], ["x"], ["x"]]
    names = [tally.name for tally in tallies(counted(rows, kept), dimensions=("route_strategy",))]
    assert names == ["all records", "route_strategy r", "route_strategy s"]


def test_values_beyond_the_most_frequent_are_one_slice():
    rows = made(("a",), ("a",), ("b",), ("b",), ("c",), ("d",))
    counts = {"c": 1, "a": 2, "d": 1, "b": 2}
    kept = eval_tally.kept_labels([counts, {"x": 6}, {"x": 6}, None], 2)
    assert kept == [["a", "b"], ["x"], ["x"], None]
    found = {
        tally.name: tally.samples for tally in tallies(counted(rows, kept), dimensions=("provider",), least=9)
    }
    assert found == {"all records": 6, "provider a": 2, "provider b": 2, "provider other": 2}


def test_without_a_sample_there_is_an_empty_tally_of_all_records():
    (whole,) = tallies(Counted())
    assert (whole.samples, whole.where) == (0, ())
    assert whole.measures == {name: Moments() for name in MEASURES}


def test_a_skipped_row_is_not_counted():
    rows = made(("p",), ("p",), ("q",))
    assert tallies(counted(rows, [["p", "q"], ["x"], ["x"], ["x"]], skipped={0, 2}))[0].samples == 1


def test_the_worst_are_unsafe_before_invalid_before_discarded_and_what_is_well_is_none_of_them():
    cases = [
        (1000, 1000, 1000),
        (1000, 1000, None),
        (1000, 1000, 0),
        (1000, 1000, 500),
        (0, 1000, 1000),
        (1000, 0, 0),
    ]
    rows = [row(n, (("p", "r", "v", "e"), values, None, None, ())) for n, values in enumerate(cases)]
    keys = [each[2] for each in sorted(counted(rows).worst, reverse=True)]
    assert keys == ["k5", "k4", "k2", "k3"]


def test_of_many_that_are_bad_the_same_twenty_are_chosen_in_any_order():
    rows = [row(n, (("p", "r", "v", "e"), (0, 1000, None), None, None, ())) for n in range(200)]
    chosen = [{each[2] for each in counted(order).worst} for order in (rows, rows[::-1])]
    assert len(chosen[0]) == eval_tally.WORST
    assert chosen[0] == chosen[1]


@given(st.text())
def test_a_field_is_read_as_it_was_written(text: str):
    field = eval_rows.escaped(text)
    assert not set(field) & {"\t", "\n", "\r"}
    assert eval_rows.unescaped(field) == text


def test_further_measures_are_tallied_and_have_no_column(monkeypatch: Any):
    monkeypatch.setitem(REGISTRY, "short", REGISTRY["safe"])
    names = list(REGISTRY)
    assert eval_rows.further(names) == ["short"]
    more = [
        eval_rows.more(values, errored, ["short"])
        for values, errored in (({"short": 250}, []), ({}, ["short"]), ({"short": None}, []))
    ]
    rows = [
        each.removesuffix(b"\n") + f"\t{said}\n".encode()
        for each, said in itertools.zip_longest(made(("p",), ("p",), ("p",), errored=("short",)), more)
    ]
    (whole,) = eval_slices.tallies(counted(rows, more=True), (), least=1, measures=names)
    assert whole.measures["short"] == Moments(n=1, total=250, squares=62_500)
