"""The verdict on a night: what fails, what passes, what is not decided, and where gates elsewhere were wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops import eval_decision
from ops.eval_settings import EvalGate, Floors
from ops.evals import Comparison, Judged, Moments, PastRun, Tally, Where

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
A: Where = (("provider", "a"),)
B: Where = (("provider", "b"),)
C: Where = (("provider", "c"),)
GATE = EvalGate()
FLOORS = EvalGate(floors=Floors(safe=0.8))


def moments(n: int, good: int, half: int = 0) -> Moments:
    return Moments(n=n, total=1000 * good + 500 * half, squares=1_000_000 * good + 250_000 * half)


def tally(where: Where, n: int, good: int, errored: int = 0) -> Tally:
    found = {"safe": errored} if errored else {}
    return Tally(where=where, samples=n + errored, errored=found, measures={"safe": moments(n, good)})


def tallies(counts: Mapping[str, tuple[int, int]], errored: int = 0) -> tuple[Tally, ...]:
    """Return the tallies of providers and of all records; the errored ones are the first provider's."""
    n, good = (sum(each[place] for each in counts.values()) for place in (0, 1))
    slices = [
        tally((("provider", name),), *each, errored=0 if number else errored)
        for number, (name, each) in enumerate(counts.items())
    ]
    return (tally((), n, good, errored), *slices)


def past(number: int, found: tuple[Tally, ...], version: str = "v1") -> PastRun:
    return PastRun(
        run_id=number,
        run_key=str(number),
        run_type="nightly",
        schema_variant="sitecraft",
        window_end=NOON + timedelta(days=number),
        measure_version=version,
        tallies=found,
    )


def decide(now: tuple[Tally, ...], gate: EvalGate = GATE, **known: Any) -> Judged:
    return eval_decision.decide(now, gate, measure_version="v1", **known)


def of(judged: Judged, where: Where = (), against: str = "baseline", measure: str = "safe") -> Comparison:
    (found,) = [
        each
        for each in judged.comparisons
        if (each.where, each.against, each.measure) == (where, against, measure)
    ]
    return found


GOOD = tallies({"a": (5000, 4750), "b": (5000, 4750)})
BASELINE = past(1, GOOD)


def test_the_same_rates_pass():
    judged = decide(GOOD, baseline=BASELINE, baseline_by="ada")
    assert (judged.verdict, judged.ok, judged.baseline_by) == ("pass", True, "ada")
    assert {each.verdict for each in judged.comparisons} == {"pass"}
    assert "hold against the baseline, run 1" in judged.summary


def test_a_drop_that_matters_fails_and_is_named_first():
    judged = decide(tallies({"a": (5000, 4750), "b": (5000, 4400)}), baseline=BASELINE)
    assert (judged.verdict, judged.ok) == ("fail", False)
    worst = judged.comparisons[0]
    assert (worst.where, worst.verdict, worst.method) == (B, "fail", "Fisher's exact test")
    assert worst.drop == pytest.approx(0.07)
    assert "safe (baseline) of provider b: 88.0 % of 5,000, 7.0 points below 95.0 %" in judged.summary
    assert of(judged, A).verdict == "pass"
    assert judged.rows[0]["verdict"] == "fail"


def test_a_drop_that_does_not_matter_does_not_fail_however_sure_it_is():
    million = {"a": (1_000_000, 950_000)}, {"a": (1_000_000, 940_000)}
    judged = decide(tallies(million[1]), baseline=past(1, tallies(million[0])))
    assert judged.verdict == "pass"
    assert (of(judged).p_adjusted or 0) < 1e-100


def test_a_floor_fails_only_where_the_rate_is_shown_to_be_below():
    shown = decide(tallies({"a": (1000, 700)}), FLOORS)
    unsure = decide(tallies({"a": (1000, 790)}), FLOORS)
    holds = decide(tallies({"a": (1000, 900)}), FLOORS)
    assert [each.verdict for each in (shown, unsure, holds)] == ["fail", "inconclusive", "pass"]
    assert "Pin a run" in holds.summary


def test_a_floor_holds_only_if_it_does_with_the_errored_as_failures():
    judged = decide(tallies({"a": (1000, 900)}, errored=120), FLOORS)
    assert judged.verdict == "inconclusive"


@pytest.mark.parametrize("good", [0, 29])
def test_below_thirty_samples_nothing_fails(good: int):
    judged = decide(tallies({"a": (29, good)}), FLOORS, baseline=BASELINE)
    assert (judged.verdict, judged.ok) == ("inconclusive", True)
    assert "29 samples, and below 30 nothing fails" in judged.summary
    assert {each.verdict for each in judged.comparisons} == {"inconclusive"}


def test_a_night_without_samples_is_no_pass():
    assert decide((), FLOORS, baseline=BASELINE).verdict == "inconclusive"
    assert decide((Tally(),), FLOORS, baseline=BASELINE).verdict == "inconclusive"


def test_with_nothing_to_judge_by_it_says_what_to_do():
    judged = decide(GOOD)
    assert (judged.verdict, judged.comparisons) == ("inconclusive", ())
    assert "runbooks eval baseline" in judged.summary
    assert "[eval.gate.floors]" in judged.summary


def test_a_group_without_data_is_no_pass():
    judged = decide(tallies({"a": (9000, 8550)}), baseline=BASELINE)
    assert judged.verdict == "inconclusive"
    assert "provider b: no data" in judged.summary
    assert of(judged, B).said == "no data; there were 5,000"


def test_a_group_that_was_rare_may_be_absent_by_chance():
    baseline = past(1, tallies({"a": (5000, 4750), "rare": (5, 5)}))
    assert decide(tallies({"a": (5000, 4750)}), baseline=baseline).verdict == "pass"


def test_a_group_that_is_among_the_others_now_is_not_absent():
    now = tallies({"a": (5000, 4750), "other": (5000, 4750)})
    assert "no data" not in decide(now, baseline=BASELINE).summary
    baseline = past(1, now)
    assert "no data" not in decide(GOOD, baseline=baseline).summary


def test_a_mean_does_not_hide_a_group_that_fails_in_every_case():
    baseline = past(1, tallies({"a": (9900, 9405), "b": (100, 95)}))
    judged = decide(tallies({"a": (9900, 9500), "b": (100, 0)}), baseline=baseline)
    assert judged.verdict == "fail"
    assert judged.comparisons[0].where == B
    assert of(judged).verdict == "pass"


def test_identical_inputs_give_the_identical_verdict():
    now = tallies({"a": (400, 371), "b": (400, 340)})
    runs = [past(number, tallies({"a": (400, 380), "b": (400, 378)})) for number in range(2, 15)]
    first = decide(now, FLOORS, baseline=runs[0], past=runs)
    for _ in range(3):
        assert decide(now, FLOORS, baseline=runs[0], past=runs) == first
    turned = decide(tuple(reversed(now)), FLOORS, baseline=runs[0], past=runs[::-1])
    assert (turned.verdict, turned.comparisons) == (first.verdict, first.comparisons)


def test_a_baseline_that_follows_along_does_not_let_a_slow_decline_in():
    runs = [past(number, tallies({"a": (5000, 4750 - 25 * number)})) for number in range(14)]
    judged = decide(runs[-1].tallies, baseline=runs[-2], past=runs[:-1])
    assert of(judged).verdict != "fail"
    assert of(judged, against="trend").verdict == "fail"
    assert judged.verdict == "fail"


def test_too_few_runs_are_no_trend():
    runs = [past(number, tallies({"a": (5000, 4750 - 100 * number)})) for number in range(5)]
    judged = decide(runs[-1].tallies, baseline=runs[0], past=runs[:-1])
    assert {each.against for each in judged.comparisons} == {"baseline"}


def test_more_errored_than_in_the_baseline_is_a_finding():
    judged = decide(tallies({"a": (4500, 4275), "b": (5000, 4750)}, errored=500), baseline=BASELINE)
    assert judged.verdict == "fail"
    assert of(judged, measure="safe_measured").verdict == "fail"
    assert of(judged).verdict == "pass"
    assert "records that safe could judge of all records" in judged.summary


def test_a_night_on_which_everything_errored_is_no_pass():
    broken = (tally((), 0, 0, errored=5000),)
    judged = decide(broken, FLOORS)
    assert judged.verdict == "inconclusive"
    assert "safe failed on every record" in judged.summary
    assert decide(broken, FLOORS, baseline=BASELINE).verdict == "fail"


@pytest.mark.parametrize("judged_ones", [0, 1])
@pytest.mark.parametrize("baseline", [None, past(1, GOOD), past(1, GOOD, version="v0")])
def test_a_slice_that_errored_holds_the_night_by_name(judged_ones: int, baseline: PastRun | None):
    whole = tally((), 5000 + judged_ones, 4750, errored=50)
    now = (whole, tally(A, 5000, 4750), tally(C, judged_ones, judged_ones, errored=50))
    judged = decide(now, FLOORS, baseline=baseline)
    if baseline is not None:
        # Provider b is gone as well, and what is said first are the errors.
        assert of(judged, B).said.startswith("no data")
    assert judged.verdict == "inconclusive"
    many = "50 of 51 records" if judged_ones else "every record"
    assert f"safe failed on {many} of provider c, which is no pass" in judged.summary


def test_a_slice_that_errored_is_said_once_and_a_handful_of_errors_holds_nothing():
    pair: Where = (*A, ("environment", "prod"))
    now = (
        tally((), 9000, 8550, errored=500),
        tally(A, 100, 95, errored=500),
        tally(pair, 50, 45, errored=300),
    )
    assert decide(now, FLOORS).summary.count("failed on") == 1
    few = (tally((), 9000, 8550, errored=9), tally(A, 9000, 8550), tally(B, 0, 0, errored=9))
    assert decide(few, FLOORS).verdict == "pass"


def test_a_slice_that_is_new_is_said_and_needs_no_floor_to_be():
    now = tallies({"a": (5000, 4750), "b": (5000, 4750), "c": (400, 380)})
    judged = decide(now, baseline=BASELINE)
    assert judged.verdict == "pass"
    assert "New, with nothing before to compare with: provider c; nothing speaks for it." in judged.summary
    assert of(judged, C).said == "new: 400 samples, and none before to compare with"
    # Without a baseline the run before is what it is new to.
    assert "New, with nothing before" in decide(now, FLOORS, past=[BASELINE]).summary
    assert "New" not in decide(now, FLOORS).summary
    assert "New" not in decide(GOOD, FLOORS, baseline=BASELINE).summary


@pytest.mark.parametrize(("good", "verdict"), [(250, "fail"), (325, "inconclusive"), (380, "pass")])
def test_a_slice_that_is_new_is_held_against_the_floors(good: int, verdict: str):
    now = tallies({"a": (5000, 4750), "b": (5000, 4750), "c": (400, good)})
    judged = decide(now, FLOORS, baseline=BASELINE)
    assert judged.verdict == verdict
    assert "provider c; only the floors of safe speak for it" in judged.summary
    if verdict == "inconclusive":
        assert judged.summary.startswith("Inconclusive: safe (floor) of provider c: 81.2 %")
    known = past(1, tallies({"a": (5000, 4750), "b": (5000, 4750), "c": (400, good)}))
    assert verdict != "inconclusive" or decide(now, FLOORS, baseline=known).verdict == "pass"


def test_a_new_slice_of_a_few_samples_holds_nothing():
    now = tallies({"a": (5000, 4750), "b": (5000, 4750), "c": (20, 15)})
    judged = decide(now, FLOORS, baseline=BASELINE)
    assert (judged.verdict, "provider c" in judged.summary) == ("pass", True)


def test_a_run_that_was_measured_otherwise_is_not_compared_with():
    worse = tallies({"a": (5000, 4000), "b": (5000, 4000)})
    judged = decide(worse, baseline=past(1, GOOD, version="v0"), past=[past(2, GOOD, version="v0")] * 9)
    assert (judged.verdict, judged.trend) == ("inconclusive", ())
    assert "was measured by other measures" in judged.summary
    assert of(judged).said == "the baseline was measured in another way"
    assert decide(worse, FLOORS, baseline=past(1, GOOD, version="v0")).verdict == "inconclusive"


def test_a_baseline_that_is_gone_lets_nothing_pass():
    judged = decide(GOOD, FLOORS, lost=7)
    assert judged.verdict == "inconclusive"
    assert "run 7, which is pinned as the baseline" in judged.summary


def test_the_same_records_are_compared_in_pairs():
    now, before = (tally((), 400, 370),), past(1, (tally((), 400, 380),))
    # Ten records got worse, none better: of two samples that would be no finding.
    judged = decide(now, baseline=before, matched={((), "safe"): (370, 0, 10, 20)})
    assert (judged.verdict, of(judged).method) == ("fail", "McNemar's exact test")
    assert decide(now, baseline=before).verdict == "inconclusive"


def test_a_slice_of_the_same_records_is_asked_once():
    one = tallies({"a": (5000, 4750)})
    judged = decide(one, baseline=past(1, one))
    assert [each.where for each in judged.comparisons] == [()]


def test_what_is_not_decided_says_how_many_samples_would():
    baseline = past(1, tallies({"a": (100_000, 95_000)}))
    judged = decide(tallies({"a": (150, 138)}), baseline=baseline)
    found = of(judged)
    assert (judged.verdict, found.verdict) == ("inconclusive", "inconclusive")
    assert found.needed
    more = 150 + found.needed
    later = decide(tallies({"a": (more, round(more * 0.92))}), baseline=baseline)
    assert of(later).verdict != "inconclusive"
    fewer = 150 + found.needed // 2
    assert (
        of(decide(tallies({"a": (fewer, round(fewer * 0.92))}), baseline=baseline)).verdict == "inconclusive"
    )


def test_a_baseline_that_is_too_small_is_said_not_to_decide():
    judged = decide(tallies({"a": (5000, 4650)}), baseline=past(1, tallies({"a": (40, 39)})))
    assert of(judged).needed is None
    assert "more samples would not decide" in of(judged).said


def test_an_undecided_drop_that_stands_out_holds_the_night_back():
    baseline = past(1, tallies({"a": (50_000, 47_500), "b": (1000, 950)}))
    stands_out = decide(tallies({"a": (50_000, 47_500), "b": (1000, 930)}), baseline=baseline)
    by_chance = decide(tallies({"a": (50_000, 47_500), "b": (100, 92)}), baseline=baseline)
    assert (of(stands_out, B).verdict, stands_out.verdict) == ("inconclusive", "inconclusive")
    assert (of(by_chance, B).verdict, by_chance.verdict) == ("inconclusive", "pass")
    assert "1 comparisons of slices are undecided" in by_chance.summary


def test_a_slice_with_few_samples_is_not_tested():
    baseline = past(1, tallies({"a": (5000, 4750), "b": (20, 20), "c": (200, 190)}))
    judged = decide(tallies({"a": (5000, 4750), "b": (200, 190), "c": (25, 20)}), baseline=baseline)
    b, c = (of(judged, (("provider", name),)) for name in "bc")
    assert (b.p, b.needed, b.said) == (
        None,
        None,
        "the baseline has 20 samples, of which at least 30 are needed",
    )
    assert (c.p, c.needed, c.said) == (None, 5, "25 samples, of which at least 30 are needed")
    assert judged.verdict == "pass"


def test_values_between_are_judged_by_their_mean():
    def published(full: int, half: int) -> tuple[Tally, ...]:
        return (Tally(samples=5000, measures={"publish_proxy": moments(5000, full, half)}),)

    judged = decide(published(3000, 1000), baseline=past(1, published(3400, 1000)))
    found = of(judged, measure="publish_proxy")
    assert (found.verdict, found.method) == ("fail", "Welch's t-test from sums")
    assert found.drop == pytest.approx(0.08)
