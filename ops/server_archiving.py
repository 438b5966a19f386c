"""What a server says of its own archiving: whether it is set, whether it works, and how far it has come."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from psycopg.rows import dict_row

from ops import database, queries, recovery_target, wal_segments
from ops.backups import Fact, Problem
from ops.wal_segments import Place

_SEGMENT = re.compile(r"[0-9A-F]{24}")


class Server(Fact):
    """The settings and the state of a server that decide over its backups."""

    major: int
    system_identifier: str
    standby: bool
    wal_level: str
    max_wal_senders: int
    archive_mode: str
    archive_command: str
    archive_library: str
    archive_timeout: int
    summarize_wal: str | None
    segment_size: int
    may_replicate: bool
    size: int
    tablespaces: int
    now: datetime

    @property
    def summarizes(self) -> bool:
        """Whether an incremental backup can be made of it."""
        return self.summarize_wal == "on"


class Archiver(Fact):
    """How far its archiver has come; `lsn` is where the server writes, on `timeline`."""

    last_archived_wal: str | None
    last_archived_time: datetime | None
    last_failed_wal: str | None
    last_failed_time: datetime | None
    failed_count: int
    timeline: int
    lsn: int
    now: datetime

    @property
    def fails(self) -> bool:
        """Whether it failed last, and has not archived anything since."""
        failed, done = self.last_failed_time, self.last_archived_time
        return failed is not None and (done is None or failed > done)

    def reaches(self, *, size: int) -> Place | None:
        """The place up to which it says that it has archived."""
        name = (self.last_archived_wal or "")[:24]
        if not _SEGMENT.fullmatch(name) or (self.last_archived_wal or "").endswith(".partial"):
            return None
        per_id = (1 << 32) // size
        number = int(name[8:16], 16) * per_id + int(name[16:], 16)
        # A label is archived after the segment of which it has the name, and perhaps others.
        behind = 0 if (self.last_archived_wal or "").endswith(".backup") else 1
        return Place(int(name[:8], 16), (number + behind) * size)


def read(connection: database.Connection) -> Server:
    """Ask a server for what decides over its backups."""
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(queries.load("base_backup/server")).fetchone()
    return Server.model_validate(found)


def archiver(connection: database.Connection) -> Archiver:
    """Ask a server how far its archiver has come."""
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(queries.load("base_backup/archiver")).fetchone() or {}
    return Archiver.model_validate({**found, "lsn": recovery_target.lsn(str(found["lsn"]))})


def wrong(server: Server, state: Archiver, *, rpo: timedelta) -> tuple[Problem, ...]:
    """Say what of a server's archiving is not set, does not work, or loses more than it may."""
    found = [_not_set(server), _failing(state), _too_rarely(server, state, rpo), _behind(server, state, rpo)]
    return tuple(problem for problem in found if problem)


def _not_set(server: Server) -> Problem | None:
    if server.archive_mode == "off" or (server.standby and server.archive_mode != "always"):
        said = f"archive_mode is {server.archive_mode}, so no WAL is archived and no point in time can be restored."
        todo = "Set archive_mode = on and restart the server; see docs/base-backup.md."
    elif server.archive_command in ("", "(disabled)") and not server.archive_library:
        said = "archive_command is empty, so WAL piles up on the server and none is archived."
        todo = "Set archive_command and reload; see docs/base-backup.md."
    else:
        return None
    return Problem(kind="not-archiving", object="archive_mode", said=said, todo=todo)


def _failing(state: Archiver) -> Problem | None:
    if not state.fails:
        return None
    since = (
        f"since {state.last_archived_time:%Y-%m-%d %H:%M:%S} UTC" if state.last_archived_time else "so far"
    )
    return Problem(
        kind="archiving-fails",
        object=state.last_failed_wal or "archive_command",
        said=f"The archiver fails on {state.last_failed_wal} and has archived nothing {since}.",
        todo="Read the server's log for what archive_command says; a full disk and rights are the usual causes.",
    )


def _too_rarely(server: Server, state: Archiver, rpo: timedelta) -> Problem | None:
    timeout = timedelta(seconds=server.archive_timeout)
    if timedelta(0) < timeout <= rpo:
        return None
    how = (
        f"{timeout}, longer than" if timeout else "off, so that a quiet hour is not archived and can be lost:"
    )
    return Problem(
        kind="archive-timeout",
        object="archive_timeout",
        said=f"archive_timeout is {how} the RPO objective of {rpo}.",
        todo=f"Set archive_timeout to {max(1, int(rpo.total_seconds()) // 2)} seconds and reload.",
        blocks=False,
    )


def _behind(server: Server, state: Archiver, rpo: timedelta) -> Problem | None:
    """What was written and not archived for longer than may be lost; a quiet server has nothing to archive."""
    reaches, archived = state.reaches(size=server.segment_size), state.last_archived_time
    if reaches is None or archived is None or state.fails or server.standby:
        return None
    segments = state.lsn // server.segment_size - reaches.lsn // server.segment_size
    if segments < 1 or state.now - archived <= rpo:
        return None
    return Problem(
        kind="archiving-behind",
        object="archive_command",
        said=f"{segments} whole segments of WAL wait to be archived, the last one was archived at "
        f"{archived:%Y-%m-%d %H:%M:%S} UTC, and the RPO objective is {rpo}.",
        todo="Look whether archive_command is slow or hangs.",
        blocks=False,
    )


def next_segment(state: Archiver, *, size: int) -> str:
    """Return the name of the segment into which the server writes."""
    return wal_segments.name_of(state.timeline, state.lsn // size, size=size)
