"""A base backup made: what is needed for it, into a temporary name, and whole before it gets its own.

Source: supabase-operations.md, "Backup & Restore": automatic daily backups.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ConfigDict

from ops import (
    app_settings,
    binaries,
    database,
    errors,
    physical_holdings,
    project,
    secrets,
    server_archiving,
)
from ops.backup_settings import Backups, Physical
from ops.backups import Backup, Problem
from ops.binaries import Binaries
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.server_archiving import Server

_LOCK = ".base-backup.lock"
UNFINISHED = ".unfinished"
# What a backup takes beside the data: the WAL written meanwhile, and something to breathe.
_SPARE = 1.1


class BackupPlan(Evidence):
    """Of what a base backup is made, to where, and whether it must be a full one."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    backups: Backups
    settings: Physical
    full: bool
    out: Path


class Taken(Evidence):
    """The backup that was made, and what was removed since it is there."""

    backup: Backup | None = None
    removed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    bundle: str | None = None


class Taking:
    """A run that makes a base backup: what it found and did so far.

    `lock` is the open file whose lock says that the folder is ours.
    """

    def __init__(self, plan: BackupPlan, run: str, *, lock: int) -> None:
        self.plan = plan
        self.run = run
        self.lock = lock
        self.bundle: Bundle | None = None
        self.concluded: Taken | None = None
        self.server: Server | None = None
        self.backup: Backup | None = None
        self.verified = False
        self.archived = False
        self.problems: list[Problem] = []
        self.removed: tuple[str, ...] = ()
        self._connection: database.Connection | None = None
        self._dsn = ""

    @property
    def settings(self) -> Physical:
        return self.plan.settings

    @property
    def programs(self) -> Binaries:
        return binaries.find(self.settings.bindir)

    @property
    def dsn(self) -> str:
        """Where the server is."""
        if not self._dsn:
            reference = self.plan.environment.database or ""
            self._dsn = app_settings.open_reference(reference, self.plan.project.root)
            secrets.remember(self._dsn)
        return self._dsn

    @property
    def connection(self) -> database.Connection:
        """The one login of this run, made anew when it was lost."""
        if self._connection is None or self._connection.closed:
            self._connection = database.connect(self.dsn, application=self.run)
        return self._connection

    def close(self) -> None:
        """Close the login, if there is one."""
        if self._connection is not None:
            self._connection.close()


def plan(path: str, environment: str, *, full: bool = False) -> BackupPlan:
    """Read the project and say of what a backup is made; reads files only.

    Raises:
        Refused: the environment has no database, or no folder of its own for base backups.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    settings = where.backups.physical if where.backups else None
    if where.backups is None or settings is None or not where.database:
        what = "`backups.physical`" if settings is None else "database"
        raise errors.Refused(
            f"{where.name} has no {what}, so no base backup can be made of it. Write it in "
            f"[environments.{where.name}] of runbooks.toml; a hosted project's backups are its provider's."
        )
    return BackupPlan(
        ok=True,
        summary=f"A base backup of {operated.name} on {where.name} goes to {settings.base}.",
        project=operated,
        environment=where,
        backups=where.backups,
        settings=settings,
        full=full or not settings.incremental,
        out=operated.root,
    )


@contextmanager
def opened(plan: BackupPlan, run: str) -> Generator[Taking]:
    """Open a run, alone for this folder of backups, and remove what one that died has left.

    Raises:
        Refused: the folder cannot be written, or another run makes a backup there.
    """
    base = plan.settings.base
    try:
        base.mkdir(parents=True, exist_ok=True)
        lock = (base / _LOCK).open("a")
    except OSError as error:
        raise errors.Refused(
            f"The folder of base backups {base} cannot be written ({error.strerror}), so no backup is made."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise errors.Refused(
                f"Another run makes a base backup in {base}, so this one does not begin. Wait for it."
            ) from None
        for left in base.glob(f".*{UNFINISHED}"):
            shutil.rmtree(left)
        with closing(Taking(plan, run, lock=lock.fileno())) as taking:
            yield taking


def check_server(taking: Taking) -> Evidence:
    """Look whether the server lets a backup be made, and whether its WAL is archived as the objectives need it.

    Raises:
        Refused: no backup can be made of it by this login with these programs.
        Unavailable: it does not answer.
    """
    taking.server = server = server_archiving.read(taking.connection)
    _refuse_unfit(server, taking.programs)
    state = server_archiving.archiver(taking.connection)
    found = server_archiving.wrong(server, state, rpo=taking.plan.backups.rpo)
    taking.problems += found
    if server.major >= 17 and not taking.plan.full and not server.summarizes:
        taking.problems.append(_no_summaries())
    return Evidence(
        ok=not taking.problems,
        summary=" ".join(problem.said for problem in taking.problems)
        or f"The server archives its WAL, last {state.last_archived_wal or 'nothing yet'}.",
        rows=tuple(problem.model_dump(mode="json") for problem in taking.problems),
    )


def check_room(taking: Taking) -> Evidence:
    """Look whether there is room for a whole backup.

    Raises:
        Refused: there is not.
    """
    server, base = taking.server, taking.settings.base
    needed = int((server.size if server else 0) * _SPARE)
    free = shutil.disk_usage(base).free
    if free < needed:
        raise errors.Refused(
            f"{base} has {_mb(free)} free and a backup may take {_mb(needed)}, so none is begun. Make room, or lower "
            "`keep`: nothing is removed before there is a new one."
        )
    return Evidence(
        ok=True, summary=f"{base} has {_mb(free)} free, and a backup takes {_mb(needed)} at most."
    )


def parent(taking: Taking) -> Backup | None:
    """Return the backup on which a new one can build: the newest of this server, after a full one not too old."""
    server, settings = taking.server, taking.settings
    if taking.plan.full or server is None or server.major < 17 or not server.summarizes:
        return None
    held = physical_holdings.holdings(settings)
    own = [each for each in held.backups if each.system_identifier == server.system_identifier]
    fulls = [each for each in own if not each.parents]
    if not fulls or datetime.now(UTC) - fulls[-1].began >= settings.full_every - timedelta(hours=1):
        return None
    if any(problem.blocks for problem in held.problems) or own[-1].major != server.major:
        return None
    return own[-1]


def _refuse_unfit(server: Server, programs: Binaries) -> None:
    why = ""
    if not server.may_replicate:
        why = "this login may not replicate. ALTER ROLE ... REPLICATION, or use another one"
    elif server.wal_level == "minimal" or server.max_wal_senders < 2:
        why = f"wal_level is {server.wal_level} and max_wal_senders {server.max_wal_senders}. Set replica and 10"
    elif programs.major != server.major:
        why = (
            f"it is PostgreSQL {server.major} and the programs at hand are of {programs.major}. Name those of "
            f"{server.major} as backups.physical.bindir"
        )
    elif server.tablespaces:
        why = f"it has {server.tablespaces} tablespaces of its own, of which no folder by folder backup is made here"
    if why:
        raise errors.Refused(f"No base backup can be made of this server: {why}.")


def _no_summaries() -> Problem:
    return Problem(
        kind="no-summaries",
        object="summarize_wal",
        said="summarize_wal is off, so that no incremental backup can be made and this one is full.",
        todo="Set summarize_wal = on and reload, or take `incremental` out of runbooks.toml.",
        blocks=False,
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def sync_folder(folder: Path) -> None:
    """Flush a folder's names to disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
