"""What is recovered is exactly the prefix of the WAL before the first transaction that ended after the target.

The oracle is pg_waldump: the ends of all transactions as they stand in the WAL, whose times need not be in order.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest

from ops import recovery_target
from ops.recovery_target import RecoveryTarget
from tests.fix_backups import Live, living

WRITERS, TARGETS, DISORDERLY = 8, 9, 3
SEED = int(os.environ.get("RUNBOOKS_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
ENDED = re.compile(r"tx: +(\d+), lsn: ([0-9A-F/]+), .*desc: (COMMIT|ABORT) (\S+ \S+) UTC")


@dataclass(frozen=True)
class End:
    """The end of a transaction, at a place in the WAL."""

    xid: int
    lsn: int
    at: datetime
    committed: bool


@dataclass(frozen=True)
class Written:
    """A cluster on which transactions ran at once, the targets that were chosen meanwhile, and the oracle."""

    live: Live
    targets: list[str]
    points: dict[str, int]
    ends: list[End]

    def before(self, target: RecoveryTarget) -> set[int]:
        """The transactions that must be there, by the order of the WAL alone."""
        prefix: list[End] = []
        for end in self.ends:
            if target.at is not None and end.at > target.at:
                break
            place = target.lsn if target.lsn is not None else self.points.get(target.value)
            if place is not None and end.lsn >= place:
                break
            prefix.append(end)
        return {end.xid for end in prefix if end.committed}


@pytest.fixture(scope="module")
def written() -> Generator[Written]:
    with living() as live:
        live.ask("create table public.moments (xid bigint primary key)")
        chance = random.Random(SEED)
        stop = threading.Event()
        with ThreadPoolExecutor(WRITERS + 1) as hands:
            running = [
                hands.submit(_write, live.dsn, random.Random(chance.random()), stop) for _ in range(WRITERS)
            ]
            try:
                live.base_backup("b1")
                hands.submit(_switch, live.dsn, stop)
                targets, points = _chosen(live, chance)
            finally:
                stop.set()
        assert all(each.result() for each in running)
        live.archive()
        ends = _ends(live)
        yield Written(live, [*targets, *_between(ends, targets)], points, ends)


def _switch(dsn: str, stop: threading.Event) -> None:
    """Hold all who write to the WAL again and again, so that they go on in another order than they came."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        while not stop.wait(0.04):
            connection.execute("select pg_switch_wal()")


def _write(dsn: str, chance: random.Random, stop: threading.Event) -> int:
    """Write transactions that wait, that are rolled back, and some that do not wait for their WAL; say how many."""
    written = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        while not stop.is_set():
            connection.execute("begin")
            connection.execute("insert into public.moments values (pg_current_xact_id()::text::bigint)")
            connection.execute(f"set local synchronous_commit = {chance.choice(('on', 'off'))}".encode())
            stop.wait(chance.choice((0, 0, 0.001, chance.expovariate(100))))
            connection.execute(chance.choice((b"commit", b"commit", b"commit", b"rollback")))
            written += 1
    return written


def _chosen(live: Live, chance: random.Random) -> tuple[list[str], dict[str, int]]:
    targets, points = list[str](), dict[str, int]()
    while len(targets) < TARGETS:
        kind = chance.choice(("time", "lsn", "name"))
        name = f"point-{len(targets)}"
        if kind == "time":
            ((at,),) = live.ask("select clock_timestamp()")
            assert isinstance(at, datetime)
            targets.append((at + timedelta(microseconds=chance.randrange(-2000, 2000))).isoformat())
        elif kind == "lsn":
            ((place,),) = live.ask("select pg_current_wal_insert_lsn()")
            targets.append(f"lsn:{place}")
        else:
            ((place,),) = live.ask(f"select pg_create_restore_point('{name}')")
            points[name] = recovery_target.lsn(str(place))
            targets.append(f"name:{name}")
        time.sleep(chance.uniform(0, 0.15))
    return targets, points


def _between(ends: list[End], targets: list[str]) -> list[str]:
    """Targets between two transactions that stand in the WAL the other way round than their times say."""
    first = min(recovery_target.read(each).at or ends[-1].at for each in targets)
    disorderly = [a.at for a, b in pairwise(ends) if a.at > b.at > first]
    return [(at - timedelta(microseconds=1)).isoformat() for at in disorderly[:DISORDERLY]]


def _ends(live: Live) -> list[End]:
    segments = sorted(each for each in live.settings.wal.iterdir() if len(each.name) == 24)
    said = subprocess.run(
        [live.server.bindir / "pg_waldump", "--rmgr=Transaction", segments[0], segments[-1]],
        env={"TZ": "UTC", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    return [
        End(
            int(xid),
            recovery_target.lsn(place),
            datetime.fromisoformat(at).replace(tzinfo=UTC),
            what == "COMMIT",
        )
        for xid, place, what, at in ENDED.findall(said.stdout)
    ]


def test_every_target_is_met_exactly(written: Written):
    (backup,) = written.live.source.holdings().backups
    moments = {xid for (xid,) in written.live.ask("select xid from public.moments")}
    assert moments == {end.xid for end in written.ends if end.committed and end.xid in moments}
    times = [end.at for end in written.ends]
    print(
        f"seed {SEED}; {len(times)} ends, {sum(a > b for a, b in pairwise(times))} not in the order of time"
    )
    for text in written.targets:
        target = recovery_target.read(text)
        with written.live.source.restored(
            backup, target, within=timedelta(minutes=5), progress=lambda _done, _whole, _what: None
        ) as restored:
            with psycopg.connect(restored.dsn) as connection:
                found = {xid for (xid,) in connection.execute("select xid from public.moments")}
            following = restored.next_commit()
        assert found == written.before(target) & moments, f"{target} with seed {SEED}"
        if target.at is not None and following is not None:
            assert following.at > target.at, f"{target} with seed {SEED}"
