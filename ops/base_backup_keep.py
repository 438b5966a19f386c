"""Which base backups are kept, and which WAL with them: the rest is removed, and nothing while anything is wrong."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ops import base_backup, base_backup_folder, physical_holdings, wal_files
from ops.backups import Backup, Problem
from ops.base_backup import Taking
from ops.evidence import Evidence

_ABANDONED = timedelta(days=1)
_OF_A_SEGMENT = re.compile(r"[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?")


@dataclass(frozen=True)
class Choice:
    """What is kept and what may go, each from old to new."""

    kept: tuple[Backup, ...]
    old: tuple[Backup, ...]


def choose(backups: Iterable[Backup], *, keep: int, window: timedelta, now: datetime) -> Choice:
    """Say which backups are kept: so many full ones, those of the window, and the full one before it with all after.

    The window can be restored from its beginning only with a backup that ended before it.
    """
    ordered = sorted(backups, key=lambda each: (each.began, each.id))
    fulls = [each for each in ordered if not each.parents]
    before = [each for each in fulls if each.ended <= now - window]
    if len(fulls) <= keep or not before:
        return Choice(tuple(ordered), ())
    oldest = min((fulls[-keep], before[-1]), key=lambda each: each.began)
    kept = {each.id for each in ordered if each.began >= oldest.began}
    # Never without those on which a kept one builds.
    kept |= {parent for each in ordered if each.id in kept for parent in each.parents}
    return Choice(
        tuple(each for each in ordered if each.id in kept),
        tuple(each for each in ordered if each.id not in kept),
    )


def remove_old(taking: Taking) -> Evidence:
    """Remove the backups that nothing needs any more, and the WAL before the oldest that is kept."""
    settings = taking.settings
    held = physical_holdings.holdings(settings)
    now = taking.backup.ended if taking.backup else None
    if now is None or not (taking.verified and taking.archived):
        return _nothing("the new backup is not whole, or its WAL is not archived")
    choice = choose(held.backups, keep=settings.keep, window=taking.plan.backups.window, now=now)
    if problems := _in_the_way(taking, held.problems, choice):
        return _nothing(" ".join(problem.said for problem in problems))
    for backup in choice.old:
        _remove(settings.base / backup.id)
    # WAL goes with a backup and never alone: until one is old, others than these may need it.
    segments = _old_segments(settings.wal, choice.kept) if choice.old else ()
    for path in segments:
        path.unlink(missing_ok=True)
    taking.removed = (*(each.id for each in choice.old), *(path.name for path in segments))
    return Evidence(
        ok=True,
        idle=not taking.removed,
        summary=f"{len(choice.kept)} backups are kept, the oldest is {choice.kept[0].id}; removed: "
        f"{', '.join(each.id for each in choice.old) or 'no backup'} and {len(segments)} files of WAL before it.",
        rows=tuple(
            {"backup": each.id, "kept": each in choice.kept, "ended": each.ended.isoformat()}
            for each in (*choice.old, *choice.kept)
        ),
    )


def _nothing(why: str) -> Evidence:
    return Evidence(ok=False, summary=f"Nothing old was removed, since something is wrong: {why}.", idle=True)


def _in_the_way(taking: Taking, problems: tuple[Problem, ...], choice: Choice) -> tuple[Problem, ...]:
    """Return what is wrong with what is kept, and whatever keeps from restoring at all."""
    wal = physical_holdings.archive(taking.settings)
    found = {problem.object: problem for problem in problems if problem.blocks}
    for backup in choice.kept:
        covered = wal.coverage(backup)
        for gap in covered.gaps:
            found.setdefault(str(gap), physical_holdings.missing(wal.archive, gap, backup))
    if taking.backup not in choice.kept:
        found["new"] = Problem(
            kind="not-kept", object="", said="The new backup would go.", todo="", blocks=True
        )
    return tuple(found.values())


def _remove(folder: Path) -> None:
    """Remove a backup so that no half of it looks like one: its name goes first."""
    going = folder.with_name(f".{folder.name}{base_backup.UNFINISHED}")
    folder.rename(going)
    shutil.rmtree(going)
    base_backup_folder.record_path(folder).unlink(missing_ok=True)


def _old_segments(folder: Path, kept: tuple[Backup, ...]) -> tuple[Path, ...]:
    """Return the files of WAL that no kept backup needs, on whatever timeline; histories are small and stay."""
    oldest = min(kept, key=lambda each: each.start_lsn or 0)
    first = base_backup_folder.read(folder=oldest.path).label_segment if oldest.path else ""
    return tuple(folder / name for name in wal_files.names(folder) if _may_go(folder / name, first))


def _may_go(path: Path, first: str) -> bool:
    if path.name.startswith(".") and path.name.endswith(".tmp"):
        return _is_abandoned(path)
    name = wal_files.plain(path.name)
    return bool(first and _OF_A_SEGMENT.fullmatch(name)) and name[8:24] < first[8:24]


def _is_abandoned(path: Path) -> bool:
    return path.exists() and time.time() - path.stat().st_mtime > _ABANDONED.total_seconds()
