"""Whether statements take longer than before, and which there are that nobody had run before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from ops import watch_sample
from ops.watch_growth import Calls, Growth
from ops.watch_judged import Measure
from ops.watch_sample import Statements
from ops.watch_settings import Watch

SHOWN = 20
# Two standard errors: a statement that is as fast as before is called slower by chance once in some forty watches.
_SURE = 2.0


def digest(text: str) -> str:
    """Return what a statement is recognised by when its number changes, as it does when its table is made anew."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


class Compared:
    """The watched statements beside what the baseline knows of them; `texts` are those of the watched ones."""

    def __init__(
        self, before: Statements, digests: Mapping[str, str], growth: Growth, texts: Mapping[str, str]
    ) -> None:
        self._before = before
        self._by_digest = {said: number for number, said in digests.items() if number in before.by_id}
        self._texts = texts
        self._calls = {number: each for number, each in growth.statements.items() if each.calls}
        self.new = {
            number: each
            for number, each in self._calls.items()
            if self._known(number) is None and number in texts
        }

    def measures(self, watch: Watch) -> Iterator[Measure]:
        """Yield one line for all statements, and one for each that is slower or new."""
        judged = {
            number: each
            for number, each in self._calls.items()
            if (was := self._known(number)) and min(was.calls, each.calls) >= watch.least_calls
        }
        slower = {number: each for number, each in judged.items() if self._is_slower(number, each, watch)}
        known = len(self._calls) - len(self.new)
        yield Measure(
            name="statements",
            now=f"{len(slower)} slower of {len(judged)} judged",
            limit=f"{watch.most_latency_factor:g} times before",
            ok=not slower if judged else None,
            why=f"{len(self._calls)} ran, {known} of them also before; {len(judged)} had at least {watch.least_calls} "
            "calls on both sides.",
        )
        worst = sorted(slower, key=lambda number: -slower[number].milliseconds)
        yield from (self._slower(number, slower[number], watch) for number in worst[:SHOWN])
        costly = sorted(self.new, key=lambda number: -self.new[number].milliseconds)
        yield from (self._new(number) for number in costly[:SHOWN])

    def _known(self, number: str) -> Calls | None:
        found = self._before.by_id.get(number)
        if found is None and number in self._texts:
            found = self._before.by_id.get(self._by_digest.get(digest(self._texts[number]), ""))
        return Calls.of(found) if found else None

    def _is_slower(self, number: str, now: Calls, watch: Watch) -> bool:
        was = self._known(number)
        if was is None:
            return False
        surely = now.mean - _SURE * now.uncertainty
        limit = watch.most_latency_factor * was.mean
        return surely > limit and now.mean - was.mean > watch.least_slowdown.total_seconds() * 1000

    def _slower(self, number: str, now: Calls, watch: Watch) -> Measure:
        was = self._known(number) or Calls()
        return Measure(
            name=f"slower: {watch_sample.said(self._texts.get(number, f'statement {number}'))}",
            before=f"{was.mean:.2f} ms ({was.calls} calls)",
            now=f"{now.mean:.2f} ms ({now.calls} calls)",
            limit=f"{watch.most_latency_factor * was.mean:.2f} ms",
            ok=False,
        )

    def _new(self, number: str) -> Measure:
        now = self.new[number]
        return Measure(
            name=f"new: {watch_sample.said(self._texts[number])}",
            before="never run",
            now=f"{now.mean:.2f} ms ({now.calls} calls)",
        )
