"""Recovery of a restored data directory up to a point, on a cluster that nobody else can reach.

Source: supabase-operations.md, the quarterly restore drill, step 2.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg

from ops import database, errors, postmaster, queries, recovery_target, scratch, wal_reading
from ops.backups import Ended, Halfway, NoRoom, Progress, Timings, TooSlow
from ops.recovery_target import RecoveryTarget, TargetKind
from ops.scratch import Scratch

_POLL = timedelta(milliseconds=20)
_FETCHED = "fetched"
LATE = "The restore did not end within its time, so it has failed."
_WHOLE = 1_000_000
_FULL = "No space left on device"
_SEGMENT = len("000000010000000000000001")
_NOT_REACHED = "recovery ended before configured recovery target was reached"
# Standby queries need at least as much of each as the server had that wrote the WAL.
_AT_LEAST = {
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_wal_senders setting": "max_wal_senders",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
}
# One of them is there in every cluster that somebody runs; it need not be a superuser.
_ASKERS = ("postgres", "supabase_admin")
_STOPPED = re.compile(r"recovery stopping at restore point .*, time (\d{4}-\S+ \S+)$", re.MULTILINE)
_SAID = re.compile(r"^([^:\n]+):\s+(.*)$", re.MULTILINE)
# No more than so many bytes of replayed WAL are kept.
MOST_WAL = 64 * 1024**3
# Recovery reads far ahead and writes rarely: it is short, and after a crash it begins anew.
_FAST = {
    "hot_standby": "on",
    "recovery_prefetch": "try",
    "maintenance_io_concurrency": "64",
    "shared_buffers": "512MB",
    "max_wal_size": f"{MOST_WAL // 1024**3}GB",
    "checkpoint_timeout": "1h",
    "wal_decode_buffer_size": "4MB",
}


@dataclass(frozen=True)
class Cluster:
    """A recovered cluster; `target` is to where it was really recovered, `said` what one must know."""

    place: Scratch
    name: str
    user: str
    target: RecoveryTarget
    timings: Timings
    end_lsn: int | None
    last_commit: datetime | None
    said: tuple[str, ...] = ()
    stopped: datetime | None = None

    @property
    def dsn(self) -> str:
        # A session's own options win over what the backup has set for its databases and roles.
        return f"{self.place.dsn(self.name, self.user)} options='-c default_transaction_read_only=on'"

    @property
    def bindir(self) -> Path:
        return self.place.programs.bindir

    def next_commit(self) -> Ended | None:
        """Return the first end of a transaction that was not recovered, where the WAL that was fetched has one."""
        if self.end_lsn is None or self.target.kind is TargetKind.LATEST:
            return None
        segments = [name for name in _fetched(self.place) if len(name) == _SEGMENT]
        timeline = int(segments[-1][:8], 16) if segments else 1
        size = int(control(self.place)["Bytes per WAL segment"])
        # Beyond what there is, pg_waldump would wait for five seconds.
        end = (self.end_lsn // size + 1) * size - 1
        _, said = self.place.run(
            *("pg_waldump", f"--path={self.place.data / 'pg_wal'}", f"--timeline={timeline}"),
            *(f"--start={recovery_target.written(self.end_lsn)}", f"--end={recovery_target.written(end)}"),
            *("--rmgr=Transaction", "--limit=100"),
        )
        return wal_reading.first_end(said)

    def promote(self) -> None:
        """Let it be written to; that it can be already is fine."""
        with database.connect(self.dsn) as connection, database.translating():
            connection.execute(queries.load("recovery/promote"))


@contextmanager
def running(
    place: Scratch,
    target: RecoveryTarget,
    *,
    restore_command: str,
    name: str,
    spent: Timings,
    within: timedelta,
    fsync: bool = True,
    progress: Progress,
    segments: int = 0,
    halfway: Halfway | None = None,
) -> Generator[Cluster]:
    """Recover what is in the scratch folder up to the target, and yield the cluster; it is gone afterwards.

    With `halfway` it stops on the way for a look. `restore_command` is the shell's line that brings a file of the WAL,
    as Postgres's setting of this name; `spent` is what it took to get this far, `segments` how many there are to be
    replayed, where that is known. A time after the last commit is fatal
    to Postgres: it is recovered as `latest`, and said.

    Raises:
        CheckFailed: recovery ended with an error, or before the target.
        Unavailable: it did not end within the time.
    """
    began = time.monotonic()
    scratch.disarm(place)
    place.user.own(place.home)
    recovery = _Recovery(
        place,
        {
            **scratch.quiet(place, fsync=fsync),
            **_FAST,
            **_as_the_primary(place),
            "restore_command": f"{restore_command} && echo %f >> {scratch.shell(place.home / _FETCHED)}",
        },
        name,
        began + within.total_seconds(),
        progress,
        segments,
    )
    said: tuple[str, ...] = ()
    looked = recovery.look_at(halfway) if halfway else 0.0
    with ExitStack() as stack:
        try:
            cluster = stack.enter_context(recovery.reached(target))
        except _NotReachedError:
            if target.kind is not TargetKind.TIME:
                raise errors.CheckFailed(
                    f"The WAL ends before {target}, so it cannot be recovered to: {postmaster.log(place.data, lines=3)}"
                ) from None
            said = (f"{target} is after the last commit in the WAL, so all of the WAL was recovered.",)
            cluster = stack.enter_context(recovery.reached(RecoveryTarget()))
        replay = timedelta(seconds=time.monotonic() - began - looked)
        yield replace(cluster, said=said, timings=spent.model_copy(update={"replay": replay}))


class _NotReachedError(Exception):
    """The end of the WAL came before the target."""


@dataclass(frozen=True)
class _Recovery:
    """One recovery: what is tried once more as `latest` is the same but for its target."""

    place: Scratch
    settings: dict[str, str]
    name: str
    deadline: float
    progress: Progress
    segments: int

    def look_at(self, halfway: Halfway) -> float:
        """Stop at a place on the way, and return how many seconds were spent there."""
        place = RecoveryTarget(kind=TargetKind.LSN, value=recovery_target.written(halfway.lsn))
        try:
            with self.reached(place, paused=True) as cluster:
                began = time.monotonic()
                halfway.look(cluster.dsn)
                return time.monotonic() - began
        except _NotReachedError:
            return 0.0

    @contextmanager
    def reached(self, target: RecoveryTarget, *, paused: bool = False) -> Generator[Cluster]:
        """Recover, and yield the cluster that stands at the target, opened, since what was under way there holds locks
        as long as it recovers; only `paused` can it go on from there.
        """
        place = self.place
        signal = place.data / "recovery.signal"
        signal.touch()
        place.user.own(signal)
        action = {"recovery_target_action": "pause"} if paused else {}
        left = timedelta(seconds=max(0.0, self.deadline - time.monotonic()))
        with ExitStack() as stack:
            try:
                stack.enter_context(
                    postmaster.running(
                        place.programs.bindir / "postgres",
                        place.data,
                        user=place.user,
                        settings={**self.settings, **target.settings, **action},
                        at_once=True,
                        patience=left,
                        looking=self._look,
                    )
                )
            except errors.Unavailable:
                raise self._ended() from None
            try:
                user = _superuser(place, self.name)
                connection = stack.enter_context(database.connect(place.dsn(self.name, user)))
                asked = queries.load("recovery/paused" if paused else "recovery/opened")
                while not self._is(connection, asked):
                    self._look()
                    time.sleep(_POLL.total_seconds())
                ((end, last),) = connection.execute(queries.load("recovery/state")).fetchall()
            except (psycopg.Error, errors.Unavailable):
                raise self._ended() from None
            connection.close()
            self._verify_room()
            stopped = _STOPPED.search(postmaster.log(place.data, lines=_WHOLE))
            at = datetime.fromisoformat(stopped[1]) if stopped else None
            yield Cluster(place, self.name, user, target, Timings(), end, last, stopped=at)

    def _is(self, connection: database.Connection, asked: LiteralString) -> bool:
        if time.monotonic() > self.deadline:
            raise self._ended()
        ((there,),) = connection.execute(asked).fetchall()
        return bool(there)

    def _verify_room(self) -> None:
        """A segment that could not be brought for want of room is to Postgres one that there is not."""
        log = postmaster.log(self.place.data, lines=_WHOLE)
        if _FULL in log:
            raise _no_room(log)

    def _look(self) -> None:
        # After a look on the way the last ones are brought anew.
        brought = {name for name in _fetched(self.place) if len(name) == _SEGMENT}
        self.progress(len(brought), self.segments, "segments of WAL brought for replay")

    def _ended(self) -> Exception:
        """Say why there is no cluster: the target was not reached, an error of the server's, or the time."""
        log = postmaster.log(self.place.data, lines=40)
        if _NOT_REACHED in log:
            return _NotReachedError()
        if time.monotonic() > self.deadline:
            return TooSlow(f"{LATE} {postmaster.log(self.place.data, lines=3)}")
        if _FULL in log:
            return _no_room(log)
        fatal = [line for line in log.splitlines() if "FATAL" in line or "PANIC" in line or "ERROR" in line]
        return errors.CheckFailed(f"Recovery failed: {'; '.join(fatal[-3:]) or log}")


def _fetched(place: Scratch) -> list[str]:
    """Return the names of the files of the WAL that recovery has asked for and got."""
    path = place.home / _FETCHED
    return path.read_text().splitlines() if path.exists() else []


def control(place: Scratch) -> dict[str, str]:
    """Return what `pg_controldata` says of the data directory.

    Raises:
        CheckFailed: it is no data directory, or its control file is broken.
    """
    code, said = place.run("pg_controldata", "-D", place.data)
    if code or "WARNING" in said:
        raise errors.CheckFailed(f"The control file of the backup cannot be read: {said}")
    return dict(_SAID.findall(said))


def _no_room(log: str) -> NoRoom:
    said = next(line for line in log.splitlines() if _FULL in line)
    return NoRoom(f"The disk filled up in the restore: {said}. Make room, or name another folder as scratch.")


def _as_the_primary(place: Scratch) -> dict[str, str]:
    found = control(place)
    return {setting: found[name] for name, setting in _AT_LEAST.items() if name in found}


def _superuser(place: Scratch, name: str) -> str:
    """Return the superuser that the cluster was made with; whoever asks must exist."""
    refused = ""
    for user in _ASKERS:
        try:
            with database.connect(place.dsn(name, user)) as connection:
                ((found,),) = connection.execute(queries.load("recovery/superuser")).fetchall()
                return str(found)
        except errors.Refused as error:
            refused = str(error)
    raise errors.CheckFailed(f"The restored cluster lets nobody in: {refused}. Name its database in the DSN.")
