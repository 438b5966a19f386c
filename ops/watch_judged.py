"""What a watched database did, beside what it may do: a measure a line, with the time before where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from ops import watch_metrics
from ops.watch_growth import Growth
from ops.watch_sample import Sample
from ops.watch_settings import Metric, Watch


class Measure(BaseModel):
    """One thing that was measured; `ok` is `None` where it could not be, or need not be, judged."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    before: str = ""
    now: str
    limit: str = ""
    ok: bool | None = None
    why: str = ""

    def row(self) -> dict[str, Any]:
        """Return the measure as a line of a table."""
        held = {True: "yes", False: "no", None: "not judged"}[self.ok]
        return {
            "measure": self.name,
            "before": self.before,
            "now": self.now,
            "limit": self.limit,
            "ok": held,
            "why": self.why,
        }


def momentary(samples: Sequence[Sample], watch: Watch, health_url: str | None) -> Iterator[Measure]:
    """Yield what was seen at single looks, the worst of each."""
    yield _waiting(samples, watch)
    yield _connections(samples, watch)
    oldest = max(sample.oldest_transaction for sample in samples)
    yield _at_most("oldest transaction", oldest, watch.most_transaction)
    lags = [lag for sample in samples for lag in sample.replicas.values() if lag is not None]
    if lags or watch.most_replication_lag:
        yield _lag(lags, watch)
    if health_url:
        yield from _health(samples, watch)


def grown(growth: Growth, before: Sample, watch: Watch) -> Iterator[Measure]:
    """Yield what was counted from look to look."""
    counted = growth.counted
    lost = counted["sessions_fatal"] + counted["sessions_killed"]
    unknown = growth.lost > timedelta(0)
    yield _count("restarts of the server", growth.restarts, 0)
    anew = "; ".join(growth.resets[:3]) + (
        f" +{len(growth.resets) - 3} more" if len(growth.resets) > 3 else ""
    )
    why = f"Set back were {anew}: what was counted there before is not known." if growth.resets else ""
    yield _count("counters set back", len(growth.resets), 0, why=why)
    yield _rollbacks(growth, before, watch, unknown=unknown)
    yield _count("deadlocks", counted["deadlocks"], watch.most_deadlocks, unknown=unknown)
    yield _count("sessions lost", lost, watch.most_lost_sessions, unknown=unknown)
    yield Measure(name="conflicts with recovery", now=str(counted["conflicts"]))
    yield Measure(name="temporary files", now=f"{counted['temp_bytes']:,} bytes")


def metrics(
    samples: Sequence[Sample], growth: Growth | None, before: Sample, watch: Watch
) -> Iterator[Measure]:
    """Yield the metrics that the settings name."""
    for key, metric in watch.metrics.items():
        if metric.counter and growth is None:
            yield Measure(name=key, now="one look", why="A counter's growth needs two looks.")
            continue
        now = _grown(key, metric, growth) if metric.counter and growth else _worst(key, metric, samples)
        was = _ratio(key, metric, before.metrics, total=metric.counter)
        yield _metric(key, metric, now, was)


def _waiting(samples: Sequence[Sample], watch: Watch) -> Measure:
    waits = [each for sample in samples for each in sample.waiting]
    longest = max(waits, key=lambda each: each.seconds, default=None)
    limit = watch.most_lock_wait.total_seconds()
    if longest is None:
        return Measure(name="waiting for a lock", now="nobody", limit=f"{limit:g} s", ok=True)
    by = ", ".join(map(str, longest.blockers)) or "nobody that is still there"
    return Measure(
        name="waiting for a lock",
        now=f"{longest.seconds:.1f} s",
        limit=f"{limit:g} s",
        ok=longest.seconds <= limit,
        why=f"Process {longest.pid} ({longest.query}) waited for {by} ({longest.blocker or 'not known'}).",
    )


def _connections(samples: Sequence[Sample], watch: Watch) -> Measure:
    shares = [
        (sum(sample.sessions.values()) / sample.most_sessions, sample)
        for sample in samples
        if sample.most_sessions
    ]
    limit = f"{watch.most_connections:.0%}"
    if not shares:
        return Measure(name="connections", now="none but this one", limit=limit, ok=True)
    share, fullest = max(shares, key=lambda each: each[0])
    states = ", ".join(f"{count} {state}" for state, count in sorted(fullest.sessions.items()))
    return Measure(
        name="connections", now=f"{share:.0%}", limit=limit, ok=share <= watch.most_connections, why=states
    )


def _lag(lags: Sequence[float], watch: Watch) -> Measure:
    if lags:
        return _at_most("replication lag", max(lags), watch.most_replication_lag)
    return Measure(
        name="replication lag",
        now="not seen",
        limit=f"{watch.most_replication_lag}",
        ok=False,
        why="A limit is set and no replica's lag could be read. Grant pg_read_all_stats, or take the limit out.",
    )


def _health(samples: Sequence[Sample], watch: Watch) -> Iterator[Measure]:
    answers = [sample.health for sample in samples if sample.health]
    bad = [each for each in answers if not each.ok]
    yield Measure(
        name="health",
        now=f"{len(answers) - len(bad)} of {len(answers)} well",
        limit="all",
        ok=not bad and bool(answers),
        why=f"The last that was not: {bad[-1].said}." if bad else "",
    )
    slowest = max((each.seconds for each in answers), default=0.0)
    yield _at_most("health latency", slowest, watch.most_health_latency)


def _rollbacks(growth: Growth, before: Sample, watch: Watch, *, unknown: bool) -> Measure:
    commits, rollbacks = growth.counted["commits"], growth.counted["rollbacks"]
    all_before = before.counters.commits + before.counters.rollbacks
    was = before.counters.rollbacks / all_before if all_before else 0.0
    limit = was + watch.most_rollback_increase
    share = rollbacks / (commits + rollbacks) if commits + rollbacks else 0.0
    few = commits + rollbacks < watch.least_calls
    ok = None if few and share > limit else share <= limit
    return Measure(
        name="rolled back transactions",
        before=f"{was:.2%}",
        now=f"{share:.2%} ({rollbacks} of {commits + rollbacks})",
        limit=f"{limit:.2%}",
        ok=False if unknown else ok,
        why=f"Fewer than {watch.least_calls} transactions: too few to judge." if ok is None else "",
    )


def _count(name: str, count: int, most: int, *, unknown: bool = False, why: str = "") -> Measure:
    said = "The counter was set back meanwhile: there may have been more." if unknown else why
    now = f"{count} or more" if unknown else str(count)
    return Measure(name=name, now=now, limit=str(most), ok=count <= most and not unknown, why=said)


def _at_most(name: str, seconds: float, most: timedelta | None) -> Measure:
    now = f"{seconds:.2f} s"
    if most is None:
        return Measure(name=name, now=now)
    return Measure(
        name=name, now=now, limit=f"{most.total_seconds():g} s", ok=seconds <= most.total_seconds()
    )


def _grown(key: str, metric: Metric, growth: Growth) -> float | None:
    number = growth.metrics.get(watch_metrics.numerator(key))
    if number is None:
        return None
    if metric.of is None:
        return number / growth.seconds if growth.seconds else None
    whole = growth.metrics.get(watch_metrics.denominator(key))
    # No requests, no errors: nothing of nothing is nothing, and something of nothing is not known.
    return number / whole if whole else (0.0 if whole == 0 and number == 0 else None)


def _ratio(key: str, metric: Metric, found: dict[str, float], *, total: bool = False) -> float | None:
    number = found.get(watch_metrics.numerator(key))
    if metric.of is None:
        # All that a counter has ever counted says nothing about a second.
        return None if total else number
    whole = found.get(watch_metrics.denominator(key))
    return number / whole if number is not None and whole else None


def _worst(key: str, metric: Metric, samples: Sequence[Sample]) -> float | None:
    found = [_ratio(key, metric, sample.metrics) for sample in samples]
    return max((each for each in found if each is not None), default=None)


def _metric(key: str, metric: Metric, now: float | None, was: float | None) -> Measure:
    limits = [metric.most] if metric.most is not None else []
    if metric.most_factor is not None and was is not None:
        limits.append(metric.most_factor * was)
    before = "not known" if was is None else f"{was:.4g}"
    if now is None:
        return Measure(
            name=key, before=before, now="not known", ok=False, why="The metrics never had its number."
        )
    if not limits:
        return Measure(
            name=key,
            before=before,
            now=f"{now:.4g}",
            ok=False,
            why="It is judged by before, which is not known.",
        )
    return Measure(
        name=key, before=before, now=f"{now:.4g}", limit=f"{min(limits):.4g}", ok=now <= min(limits)
    )
