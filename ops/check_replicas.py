"""Replicas that are not there any more: by what is declared, and otherwise by what earlier looks have seen.

Source: supabase-operations.md, "Daily" (replica lag).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from ops import spoken
from ops.check_memory import Seen
from ops.checking import Checking
from ops.checks import Finding

LAG = "replica-lag"
MISSING = "replica-missing"


def missing(checking: Checking, connected: Sequence[str]) -> Iterator[Finding]:
    """Yield which replicas are missing, by their application names, and remember those that are there.

    By name and number and not by address: a replica may come back at another one.
    """
    now, seen = Counter(connected), {each.name: each for each in checking.replicas}
    for name, count in now.items():
        if name not in seen or count >= seen[name].count:
            seen[name] = Seen(name=name, count=count, at=checking.now)
    expected = Counter({name: each.count for name, each in seen.items()})
    if checking.settings.replicas is not None:
        expected = Counter(checking.settings.replicas)
        # Whoever is not declared is not missed either when the declaration is taken away.
        seen = {
            name: each.model_copy(update={"count": min(each.count, expected[name])})
            for name, each in seen.items()
            if name in expected
        }
    checking.replicas = tuple(seen[name] for name in sorted(seen))
    for name in sorted(expected):
        if now[name] < expected[name]:
            yield _missing(checking, name, now[name], expected[name])


def keep_lags(checking: Checking, missing: Iterable[Finding], connected: Collection[str]) -> None:
    """Keep it from being over that a replica was behind, where it only is not there any more."""
    names = {each.object for each in missing}
    for known in checking.memory.known:
        name, _, _ = known.object.rpartition(" at ")
        if known.kind == LAG and known.object not in connected and name in names:
            checking.unknown.add(known.fingerprint)


def _missing(checking: Checking, name: str, count: int, expected: int) -> Finding:
    last = next((each.at for each in checking.replicas if each.name == name and each.count == expected), None)
    at = f"at {spoken.moment(last)}" if last else "by no look so far"
    said = f"The replica {name} is not connected; it was seen last {at}."
    if expected > 1:
        said = f"Of {expected} replicas with the name {name}, {count} are connected; all were seen last {at}."
    where = checking.plan.environment.name
    return Finding(
        kind=MISSING,
        object=name,
        severity="failed",
        said=said,
        why="Whoever reads there reads what is old or nothing, and there is no failover to it.",
        todo="Look whether it runs, reaches this server and still finds its WAL here. If it was taken away for good, "
        f"name those that stay: replicas = [...] in [environments.{where}.checks].",
        since=last,
    )
