"""`pg_basebackup` into a temporary name; what it made is verified, named, and its WAL waited for."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import tenacity

from ops import (
    base_backup,
    base_backup_folder,
    errors,
    physical_holdings,
    physical_verify,
    psql_process,
    recovery_target,
    secrets,
    server_archiving,
)
from ops.backups import Backup, Progress
from ops.base_backup import UNFINISHED, Taking
from ops.base_backup_folder import Record
from ops.evidence import Evidence

_ARCHIVED_WITHIN = timedelta(minutes=5)
# pg_basebackup forks one that streams WAL, which outlives it and us, and writes for ever. The shell that reads our pipe
# ends them all when we are gone, or close it.
_LEASH = """
exec 3<&0
"$@" 3<&- </dev/null &
job=$!
( read -r _ <&3; kill -s TERM -- -$$ ) &
watch=$!
wait "$job"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
"""
_DONE = re.compile(r"^\s*(\d+)/(\d+) kB")


def take(taking: Taking, progress: Progress) -> Evidence:
    """Make a base backup, verify each of its files, and only then give it its name.

    Raises:
        Unavailable: pg_basebackup did not come to its end.
        CheckFailed: it did, and what it made is not whole; nothing of it is left.
    """
    base, settings = base_backup.parent(taking), taking.settings
    began = datetime.now(UTC)
    name = _name(settings.base, f"{began:%Y%m%dT%H%M%SZ}-{'incremental' if base else 'full'}")
    unfinished = settings.base / f".{name}{UNFINISHED}"
    try:
        _run(taking, unfinished, base, progress)
        _prove(taking, unfinished, progress)
        # Beside the folder before the folder has its name: one that is seen is one of which everything is known.
        folder = settings.base / name
        ended = datetime.now(UTC)
        record = Record(id=name, began=began, ended=ended, verified=datetime.now(UTC))
        base_backup_folder.record_path(folder).write_text(record.model_dump_json(), "utf-8")
        unfinished.rename(folder)
        base_backup.sync_folder(settings.base)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    taking.verified = True
    taking.backup = next(each for each in physical_holdings.holdings(settings).backups if each.id == name)
    return Evidence(
        ok=True,
        summary=f"{name} was made in {(ended - began).total_seconds():.0f} s: {taking.backup.size / 1e6:,.0f} MB, "
        "and each of its files is as its manifest says.",
        rows=(taking.backup.model_dump(mode="json"),),
    )


def await_wal(taking: Taking, *, within: timedelta = _ARCHIVED_WITHIN) -> Evidence:
    """Wait until all the WAL that the backup needs is archived, without which it cannot be restored."""
    backup = taking.backup
    if backup is None:
        raise errors.CheckFailed("There is no backup of which the WAL could be waited for.")
    waiting = tenacity.Retrying(
        stop=tenacity.stop_after_delay(within.total_seconds()),
        wait=tenacity.wait_fixed(0.2),
        retry=tenacity.retry_if_result(bool),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else "",
    )
    said = waiting(_unarchived, taking, backup)
    taking.archived = not said
    stop = recovery_target.written(backup.stop_lsn or 0)
    return Evidence(
        ok=not said,
        summary=said or f"The WAL of {backup.id} is archived up to {stop}, from where on it can be restored.",
    )


def _unarchived(taking: Taking, backup: Backup) -> str:
    wal = physical_holdings.archive(taking.settings)
    covered = wal.coverage(backup)
    if not covered.wrong and not covered.gaps:
        return ""
    first = wal.archive.name(covered.gaps[0].timeline, covered.gaps[0].first) if covered.gaps else ""
    state = server_archiving.archiver(taking.connection)
    fails = f" The archiver fails on {state.last_failed_wal}." if state.fails else ""
    what = covered.wrong or f"{first} is not archived to {taking.settings.wal}"
    return f"{backup.id} cannot be restored yet: {what}.{fails} Look at the server's log and archive_command."


def _name(base: Path, name: str) -> str:
    """Return a name that no other backup has, as two may begin in one second."""
    number, free = 1, name
    while (base / free).exists():
        number += 1
        free = f"{name}-{number}"
    return free


def _run(taking: Taking, to: Path, base: Backup | None, progress: Progress) -> None:
    manifest = base and base.path and base.path / base_backup_folder.MANIFEST
    command = [
        *(taking.programs.bindir / "pg_basebackup", "--no-password", "--progress", "--pgdata", to),
        *("--format", "plain", "--wal-method", "stream", "--checkpoint", "fast"),
        *("--label", f"runbooks {to.name.strip('.').removesuffix(UNFINISHED)}"),
        *((f"--incremental={manifest}",) if manifest else ()),
        *psql_process.openly(taking.dsn),
    ]
    with subprocess.Popen(
        ["/bin/sh", "-c", _LEASH, "leash", *command],
        env=psql_process.environment(taking.dsn, "base-backup"),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
        # The folder is not free before they have ended.
        pass_fds=(taking.lock,),
    ) as process:
        try:
            said = list(_said(process, progress))
        finally:
            if process.stdin:
                process.stdin.close()
    if process.returncode:
        last = secrets.redact(" ".join(said[-3:])) or f"it ended with {process.returncode}"
        raise errors.Unavailable(f"pg_basebackup did not make a backup, and nothing of it is left: {last}")


def _said(process: subprocess.Popen[str], progress: Progress) -> Generator[str]:
    for line in process.stderr or ():
        if done := _DONE.match(line):
            progress(int(done[1]) * 1024, int(done[2]) * 1024, "bytes of the server copied")
        elif line.strip():
            yield line.strip()


def _prove(taking: Taking, folder: Path, progress: Progress) -> None:
    found = physical_verify.of_folder(
        folder, major=taking.programs.major, bindir=taking.programs.bindir, progress=progress
    )
    if found:
        said = " ".join(problem.said for problem in found)
        raise errors.CheckFailed(f"What pg_basebackup made is not whole, and nothing of it is left: {said}")
