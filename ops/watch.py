"""A database watched for a time after a change, beside the time before it.

Sources: supabase-operations.md ("Monitor Grafana for latency spikes"), prod-promotion's prove stanza.

**The time before** is all that the server had counted when the baseline was taken: the mean of each statement over all
its calls since the statistics began, and the share of transactions that were rolled back. A pair of looks just before
the act would be as long as the watch, and would know only the statements that happened to run in it. The price is that
the mean is one over all hours and over smaller tables than today's; so a statement is slower only where its mean,
less two standard errors, is above the limit, where both sides have enough calls, and where it takes some milliseconds
longer. **The time after** is what grows from look to look; counters that were set back are never subtracted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from ops import database, errors, watch_growth, watch_judged, watch_latency, watch_sample
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.watch_judged import Measure
from ops.watch_looks import Clock, Connect, Looking, RealClock, Taker
from ops.watch_sample import Facts, Sample
from ops.watch_settings import Watch

Progress = Callable[[timedelta, timedelta, str], None]
Stop = Callable[[], bool]
_NAP = 0.5


class Baseline(Facts):
    """What was seen before the act; as JSON it outlives a suspension. `digests` tell statements by their text."""

    project: str
    environment: str
    sample: Sample
    digests: dict[str, str]


class Watched(Evidence):
    """What a watch saw; `measures` with `ok` false are what it failed by."""

    environment: str
    began: datetime
    ended: datetime
    looks: int
    lost_looks: int
    longest_gap: float
    stopped: bool = False
    measures: tuple[Measure, ...] = ()
    findings: tuple[str, ...] = ()


def baseline(connection: database.Connection, project: Project, environment: Environment) -> Baseline:
    """Look once before the act, and keep what the time after it is compared with.

    Raises:
        Unavailable: the connection is lost, or an answer took more than ten seconds.
    """
    sample = watch_sample.take(connection, environment)
    known = watch_sample.texts(connection) if sample.statements else {}
    return Baseline(
        project=project.name,
        environment=environment.name,
        sample=sample,
        digests={number: watch_latency.digest(text) for number, text in known.items()},
    )


def run(
    connect: str | Connect,
    environment: Environment,
    before: Baseline,
    *,
    progress: Progress = lambda _done, _whole, _said: None,
    stop: Stop = lambda: False,
) -> Watched:
    """Watch a database for as long as its environment says; a lost connection is a gap, and is made anew.

    `connect` is a DSN, or makes a connection; `progress` is told after each look how far it is, of how much, and what
    was seen; `stop` is asked twice a second whether to end early, which is not a pass.
    """
    opened: Connect = (
        (lambda: database.connect(connect, application="supabase-runbooks watch", prepare_threshold=None))
        if isinstance(connect, str)
        else connect
    )
    taker = Taker(opened, environment)
    try:
        return watch(taker, environment, before, progress=progress, stop=stop)
    finally:
        taker.close()


def watch(
    looking: Looking,
    environment: Environment,
    before: Baseline,
    *,
    progress: Progress = lambda _done, _whole, _said: None,
    stop: Stop = lambda: False,
    clock: Clock | None = None,
) -> Watched:
    """Take looks for as long as the settings say, and judge them."""
    seen = _Seen(clock or RealClock(), environment.watch)
    while True:
        seen.look(looking)
        progress(min(seen.elapsed, seen.watch.duration), seen.watch.duration, seen.said)
        if not seen.wait(stop):
            break
    return _judged(seen, looking, environment, before)


@dataclass
class _Seen:
    """The looks so far."""

    clock: Clock
    watch: Watch
    samples: list[Sample] = field(default_factory=list[Sample])
    lost: list[str] = field(default_factory=list[str])
    stopped: bool = False
    said: str = ""

    def __post_init__(self) -> None:
        self.began = self.ended = self.clock.now()

    @property
    def elapsed(self) -> timedelta:
        return self.clock.now() - self.began

    def look(self, looking: Looking) -> None:
        """Take a look, or write down that there was none."""
        at = self.clock.now()
        try:
            self.samples.append(looking.take(at))
            self.said = f"{len(self.samples)} looks, {len(self.lost)} lost"
        except errors.OpsError as error:
            self.lost.append(f"{at:%H:%M:%S} UTC: {error}")
            self.said = f"{len(self.samples)} looks, {len(self.lost)} lost: {error}"
        self.ended = self.clock.now()

    def wait(self, stop: Stop) -> bool:
        """Wait until the next look; say whether there is one. The last is at the end of the duration."""
        left = self.watch.duration - self.elapsed
        if left <= timedelta(0):
            return False
        # Counted from the beginning, so that slow answers do not add up; a look that took too long skips the next.
        due = self.began + min(self.watch.duration, (self.elapsed // self.watch.every + 1) * self.watch.every)
        while (seconds := (due - self.clock.now()).total_seconds()) > 0:
            if stop():
                break
            self.clock.wait(min(_NAP, seconds))
        self.stopped = stop()
        return not self.stopped

    @property
    def longest_gap(self) -> timedelta:
        """The longest time between two looks, or between one and the beginning or the end."""
        times = [self.began, *(sample.at for sample in self.samples), self.ended]
        return max(later - earlier for earlier, later in pairwise(times))


def _judged(seen: _Seen, looking: Looking, environment: Environment, before: Baseline) -> Watched:
    measures = tuple(_measures(seen, looking, environment, before)) if seen.samples else ()
    gap = seen.longest_gap
    whole = not seen.stopped and bool(seen.samples) and gap <= seen.watch.most_gap
    wrong = [each for each in measures if each.ok is False]
    return Watched(
        ok=whole and not wrong,
        summary=_summary(seen, environment.name, wrong, before),
        rows=tuple(each.row() for each in measures),
        environment=environment.name,
        began=seen.began,
        ended=seen.ended,
        looks=len(seen.samples),
        lost_looks=len(seen.lost),
        longest_gap=gap.total_seconds(),
        stopped=seen.stopped,
        measures=measures,
        findings=tuple(_findings(seen, before)),
    )


def _measures(seen: _Seen, looking: Looking, environment: Environment, before: Baseline) -> Iterator[Measure]:
    settings, samples = seen.watch, seen.samples
    growth = watch_growth.between(samples) if len(samples) > 1 else None
    yield from watch_judged.momentary(samples, settings, environment.health_url)
    if growth:
        yield from watch_judged.grown(growth, before.sample, settings)
        if not growth.statements_seen or before.sample.statements is None:
            yield _without_statements(before)
        else:
            texts = looking.texts([number for number, each in growth.statements.items() if each.calls])
            compared = watch_latency.Compared(before.sample.statements, before.digests, growth, texts)
            yield from compared.measures(settings)
        if growth.missing:
            why = "They made room for others, so their calls since their last look are not known."
            yield Measure(name="statements forgotten", now=str(len(growth.missing)), why=why)
    yield from watch_judged.metrics(samples, growth, before.sample, settings)


def _without_statements(before: Baseline) -> Measure:
    """A database that has never told how long its statements take is one thing, one that tells no more another."""
    told = before.sample.statements is not None
    why = "They were seen before, and are not now." if told else "There is nothing to compare them with."
    return Measure(name="statements", now="not seen", ok=False if told else None, why=why)


def _summary(seen: _Seen, name: str, wrong: Sequence[Measure], before: Baseline) -> str:
    if not seen.samples:
        return f"{name} could not be looked at even once, so nothing is known of it: {seen.lost[-1]}"
    lasted = f"watched for {(seen.ended - seen.began).total_seconds():.0f} s"
    how = lasted if seen.watch.duration else "looked at once, since [watch] duration is 0"
    said = [f"{name} was {how}: {len(seen.samples)} looks, {len(seen.lost)} lost"]
    if seen.stopped:
        said.append("it was ended before its time, so it is no pass")
    if seen.longest_gap > seen.watch.most_gap:
        gap, most = seen.longest_gap.total_seconds(), seen.watch.most_gap.total_seconds()
        said.append(f"nobody looked for {gap:.0f} s, and {most:.0f} s are allowed, so it is no pass")
    shown = [f"{each.name} is {each.now} (limit {each.limit or 'none'})" for each in wrong]
    said += shown[:3] + ([f"and {len(shown) - 3} more"] if len(shown) > 3 else [])
    if not wrong and seen.watch.duration:
        since = before.sample.statements.since if before.sample.statements else None
        said.append(f"nothing is worse than before{f' (since {since:%Y-%m-%d})' if since else ''}")
    return f"{'; '.join(said)}."


def _findings(seen: _Seen, before: Baseline) -> Iterator[str]:
    yield from (f"A look was lost at {said}" for said in seen.lost[:5])
    if len(seen.lost) > 5:
        yield f"{len(seen.lost) - 5} more looks were lost."
    yield from dict.fromkeys(said for sample in (before.sample, *seen.samples) for said in sample.unseen)
    if seen.samples and watch_growth.restarted(before.sample.counters, seen.samples[0].counters):
        yield "The server was started anew between the baseline and the first look."
    elif seen.samples and watch_growth.reset(before.sample.counters, seen.samples[0].counters):
        yield "Counters were set back between the baseline and the first look; the time before is the baseline's."
