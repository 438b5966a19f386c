"""What a watch makes of looks: growth without negative numbers, gaps, limits, and statements told by their text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from ops import errors, watch, watch_growth, watch_latency, watch_metrics
from ops.project import Environment
from ops.watch_sample import Counters, Sample, Statement, Statements
from ops.watch_settings import Metric, Watch

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NOUGHT = dict.fromkeys(
    (
        *("commits", "rollbacks", "deadlocks", "conflicts", "temp_bytes", "blks_read", "blks_hit"),
        *("sessions_fatal", "sessions_killed", "sessions_abandoned"),
    ),
    0,
)


def statement(calls: int, mean: float, deviation: float = 0.0) -> Statement:
    squares = calls * (mean**2 + deviation**2)
    return Statement(calls=calls, milliseconds=calls * mean, squares=squares, rows=calls)


def sample(seconds: float = 0, *, statements: dict[str, Statement] | None = None, **chosen: Any) -> Sample:
    counters = {name: chosen.pop(name) for name in (*NOUGHT, "stats_reset", "started") if name in chosen}
    known = None if statements is None else Statements(by_id=statements, since=chosen.pop("since", LONG_AGO))
    counted = Counters.model_validate({**NOUGHT, "stats_reset": None, "started": LONG_AGO, **counters})
    at = NOON + timedelta(seconds=seconds)
    return Sample(
        **{
            "at": at,
            "counters": counted,
            "sessions": {},
            "most_sessions": 100,
            "oldest_transaction": 0.0,
            **chosen,
        },
        statements=known,
    )


def baseline(before: Sample, texts: dict[str, str] | None = None) -> watch.Baseline:
    digests = {number: watch_latency.digest(text) for number, text in (texts or {}).items()}
    return watch.Baseline(project="app", environment="production", sample=before, digests=digests)


class FakeClock:
    """Time that passes when it is waited for."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Script:
    """Looks as they were written down; what is an error is raised, and the last is given for ever."""

    def __init__(
        self, looks: Iterable[Sample | errors.OpsError], texts: dict[str, str] | None = None
    ) -> None:
        self.looks = list(looks)
        self.known = texts or {}

    def take(self, at: datetime) -> Sample:
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, errors.OpsError):
            raise look
        return look.model_copy(update={"at": at})

    def texts(self, ids: list[str]) -> dict[str, str]:
        return {number: text for number, text in self.known.items() if number in ids}


def watched(
    *looks: Sample | errors.OpsError,
    before: Sample | None = None,
    texts: dict[str, str] | None = None,
    stop: Callable[[], bool] = lambda: False,
    **settings: Any,
) -> watch.Watched:
    environment = Environment(
        name="production", watch=Watch(**{"duration": timedelta(seconds=30), **settings})
    )
    known = baseline(before or sample(commits=1000), texts)
    return watch.watch(Script(looks, texts), environment, known, stop=stop, clock=FakeClock())


def measure(found: watch.Watched, name: str) -> Any:
    return next(each for each in found.measures if each.name.startswith(name))


def test_looks_are_taken_from_the_beginning_to_the_end():
    said: list[tuple[float, float]] = []
    environment = Environment(name="production", watch=Watch(duration=timedelta(seconds=25)))
    found = watch.watch(
        Script([sample()]),
        environment,
        baseline(sample()),
        progress=lambda done, whole, _: said.append((done.total_seconds(), whole.total_seconds())),
        clock=FakeClock(),
    )
    assert found.ok, found.summary
    assert (found.looks, found.longest_gap) == (4, 10.0)
    assert said == [(0, 25), (10, 25), (20, 25), (25, 25)]


def test_a_duration_of_nought_looks_once_and_says_so():
    found = watched(sample(), duration=timedelta(0))
    assert (found.ok, found.looks) == (True, 1)
    assert "looked at once" in found.summary
    assert not [each for each in found.measures if each.name == "deadlocks"]


def test_a_lost_look_is_said_and_too_long_a_gap_is_no_pass():
    gone = errors.Unavailable("the server went away")
    found = watched(sample(), gone, sample(), sample())
    assert (found.ok, found.lost_looks, found.longest_gap) == (True, 1, 20.0)
    assert "the server went away" in found.findings[0]
    longer = watched(
        sample(), *[gone] * 7, sample(), duration=timedelta(seconds=90), most_gap=timedelta(seconds=60)
    )
    assert not longer.ok
    assert "nobody looked for 80 s" in longer.summary


def test_looks_that_take_longer_than_their_time_are_not_taken_without_a_pause():
    clock, waited = FakeClock(), list[float]()

    class Slow(Script):
        def take(self, at: datetime) -> Sample:
            clock.at += timedelta(seconds=13)
            return super().take(at)

    class Counting(FakeClock):
        def now(self) -> datetime:
            return clock.now()

        def wait(self, seconds: float) -> None:
            waited.append(seconds)
            clock.wait(seconds)

    environment = Environment(name="production", watch=Watch(duration=timedelta(seconds=100)))
    found = watch.watch(Slow([sample()]), environment, baseline(sample()), clock=Counting())
    assert (found.looks, sum(waited)) == (6, 35.0)


def test_what_was_never_seen_is_no_pass():
    found = watched(errors.Unavailable("nobody answers"))
    assert (found.ok, found.looks) == (False, 0)
    assert "nobody answers" in found.summary


def test_a_watch_that_is_stopped_is_no_pass():
    asked = iter([False, False])
    found = watched(sample(), stop=lambda: next(asked, True))
    assert (found.ok, found.stopped) == (False, True)
    assert "ended before its time" in found.summary


@pytest.mark.parametrize(
    ("later", "said"),
    [
        ({"commits": 5}, "counters set back"),
        ({"commits": 2000, "stats_reset": NOON}, "counters set back"),
        ({"commits": 2000, "started": NOON}, "restarts of the server"),
        ({"commits": 2000, "deadlocks": 1}, "deadlocks"),
        ({"commits": 2000, "sessions_fatal": 1}, "sessions lost"),
        ({"commits": 2000, "rollbacks": 500}, "rolled back transactions"),
    ],
)
def test_what_must_not_happen_is_no_pass(later: dict[str, Any], said: str):
    found = watched(sample(commits=1000), sample(**later))
    assert not found.ok
    assert measure(found, said).ok is False
    assert said in found.summary


def test_counters_that_were_set_back_are_never_subtracted():
    looks = [sample(0, commits=1000, rollbacks=9), sample(10, commits=3), sample(20, commits=8)]
    grown = watch_growth.between(looks)
    assert grown.counted["commits"] == 5
    assert (grown.counted["rollbacks"], grown.lost) == (0, timedelta(seconds=10))
    # What was counted is a lower bound then, so nothing that is counted may pass by it.
    assert measure(watched(*looks), "deadlocks").ok is False


def test_the_share_of_rollbacks_is_compared_with_that_of_before():
    used_to_it = sample(commits=600, rollbacks=400)
    now = sample(commits=700, rollbacks=440)
    assert measure(watched(used_to_it, now, before=used_to_it), "rolled back").ok
    few = measure(watched(sample(commits=1000), sample(commits=1001, rollbacks=1)), "rolled back")
    assert few.ok is None
    assert "too few to judge" in few.why


def latency(after: Statement, **settings: Any) -> watch.Watched:
    was = {"1": statement(1000, 10.0, 3.0)}
    total = Statement(
        calls=was["1"].calls + after.calls,
        milliseconds=was["1"].milliseconds + after.milliseconds,
        squares=was["1"].squares + after.squares,
        rows=0,
    )
    looks = sample(statements=was), sample(statements={"1": total})
    return watched(*looks, before=sample(statements=was), texts={"1": "select 1"}, **settings)


def test_a_statement_that_is_surely_slower_fails_by_name():
    found = latency(statement(100, 40.0, 5.0))
    assert not found.ok
    assert measure(found, "slower: select 1").now == "40.00 ms (100 calls)"


@pytest.mark.parametrize(
    "after", [statement(100, 15.0, 5.0), statement(100, 25.0, 200.0)], ids=["below the factor", "by chance"]
)
def test_a_statement_that_may_be_as_fast_as_before_passes(after: Statement):
    assert latency(after).ok


def test_few_calls_are_not_judged_and_a_slow_microsecond_is_none():
    found = latency(statement(5, 400.0))
    assert measure(found, "statements").ok is None
    assert latency(statement(100, 40.0), least_slowdown=timedelta(seconds=1)).ok


def test_a_statement_of_a_table_that_was_made_anew_is_told_by_its_text():
    was, now = sample(statements={"1": statement(100, 1.0)}), sample(statements={"2": statement(50, 90.0)})
    found = watched(
        sample(statements={}),
        now,
        before=was,
        texts={"1": "select  from t", "2": "select from t"},
    )
    assert measure(found, "slower: select from t")
    assert not [each for each in found.measures if each.name.startswith("new")]


def test_new_and_forgotten_statements_are_said():
    was = sample(statements={"1": statement(100, 1.0)})
    found = watched(
        was, sample(statements={"2": statement(3, 2.0)}), before=was, texts={"2": "select 'a-secret-of-mine'"}
    )
    assert measure(found, "new: select").now == "2.00 ms (3 calls)"
    assert measure(found, "statements forgotten").now == "1"
    reset = watched(was, sample(statements={"1": statement(5, 1.0)}, since=NOON), before=was)
    assert measure(reset, "counters set back").ok is False


def test_statements_that_are_seen_no_more_are_no_pass():
    found = watched(sample(), before=sample(statements={}))
    assert measure(found, "statements").ok is False
    assert measure(watched(sample()), "statements").ok is None


TEXT = """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",path="/a,b{\\"c\\"}"} 1000 1700000000000
requests_total{code="500"} 10
up 1
broken NaN
"""


def test_prometheus_text_is_read():
    found = list(watch_metrics.parse(TEXT))
    assert found[0] == ("requests_total", {"code": "200", "path": '/a,b{"c"}'}, 1000.0)
    assert [name for name, _, _ in found] == ["requests_total", "requests_total", "up", "broken"]


def test_labels_choose_what_is_counted_and_not_by_what_it_is_divided():
    unseen: list[str] = []
    wanted = {
        "rate": Metric(name="requests_total", labels={"code": "500"}, of="requests_total", most=1),
        "gone": Metric(name="broken", most=1),
    }
    found = watch_metrics.choose(TEXT, wanted, unseen)
    assert found == {"rate": 10.0, "rate/of": 1010.0}
    assert unseen == ["The metrics have no number for gone (broken)."]


def metric(now: dict[str, float], was: dict[str, float], **limits: Any) -> Any:
    errors_of = Metric(
        name="requests_total", labels={"code": "500"}, of="requests_total", counter=True, **limits
    )
    found = watched(
        sample(metrics=was),
        sample(metrics=now),
        before=sample(metrics=was),
        metrics_url="http://localhost/metrics",
        metrics={"error_rate": errors_of},
    )
    return measure(found, "error_rate")


def test_a_ratio_of_counters_is_that_of_their_growth():
    was = {"error_rate": 10.0, "error_rate/of": 1000.0}
    assert metric({"error_rate": 11.0, "error_rate/of": 1100.0}, was, most=0.02).ok is True
    worse = metric({"error_rate": 20.0, "error_rate/of": 1100.0}, was, most_factor=5)
    assert (worse.ok, worse.before, worse.now, worse.limit) == (False, "0.01", "0.1", "0.05")
    assert metric({}, {}, most=0.02).ok is False


def test_settings_that_could_not_be_kept_are_refused():
    with pytest.raises(ValidationError, match="less than twice every"):
        Watch(every=timedelta(minutes=1))
    with pytest.raises(ValidationError, match="no metrics_url"):
        Watch(metrics={"a": Metric(name="a", most=1)})
    with pytest.raises(ValidationError, match="has neither"):
        Metric(name="a")


def test_a_baseline_outlives_a_suspension_as_json():
    kept = baseline(sample(statements={"1": statement(3, 1.5)}, replicas={"a": None}), {"1": "select 1"})
    assert watch.Baseline.model_validate_json(kept.model_dump_json()) == kept
