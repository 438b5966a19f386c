"""The rehearsals that were left in evidence bundles, and the one that lets a change be promoted.

Source: database-pipeline.md, promotion; design.md, section 6 ("The same major version").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from ops import change as changes
from ops import deltas, errors, handoff, manifest, schema
from ops.change import Change
from ops.deltas import Deltas
from ops.verdict import MigrationResult, Rehearsal

_AGAIN = "Nothing is promoted without it: rehearse this change again."


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A passing rehearsal of a change: `seal` is its bundle's digest, `rows` what it was measured on."""

    rehearsal: Rehearsal
    path: Path
    seal: str
    deltas: Mapping[str, schema.Delta]
    rows: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Wanted:
    change: Change
    major: int
    pending: tuple[str, ...]
    max_age: timedelta
    now: datetime
    require_rollback: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    rehearsal: Rehearsal

    @property
    def started(self) -> datetime:
        return datetime.fromisoformat(self.rehearsal.started)

    @property
    def named(self) -> str:
        return f"The rehearsal {self.path.name} on {self.rehearsal.environment}"


def find(
    root: Path,
    change: Change,
    *,
    major: int,
    pending: Sequence[str],
    max_age: timedelta,
    now: datetime,
    require_rollback: bool = False,
) -> Rehearsed:
    """Return the newest rehearsal below `root`/artifacts/ops that lets a change be promoted.

    It is of this very change, on PostgreSQL `major`, not older than `max_age`, passed, and has applied each of the
    files in `pending` with its rollback proven, or without a script where none is required. Its bundle is as sealed.

    Raises:
        Refused: there is none; the message says why the one that comes nearest does not do.
    """
    wanted = _Wanted(change, major, tuple(pending), max_age, now, require_rollback)
    nearest = -1
    said = f"There is no rehearsal in {(root / 'artifacts' / 'ops').as_posix()}. {_AGAIN}"
    for candidate in _candidates(root):
        reached, reason = _judged(candidate, wanted)
        if reason is None:
            return _rehearsed(candidate)
        if reached > nearest:
            nearest, said = reached, f"{candidate.named} {reason}. {_AGAIN}"
    raise errors.Refused(said)


def _candidates(root: Path) -> list[_Candidate]:
    """Return the rehearsals that were concluded, the newest first."""
    found = list(_read(root))
    return sorted(found, key=lambda each: (each.started, each.path.name), reverse=True)


def _read(root: Path) -> Iterator[_Candidate]:
    for path in (root / "artifacts" / "ops").glob("*/rehearsal_*"):
        # What cannot be read is of a run that did not end, of another version, or spoilt: no rehearsal of this change.
        with suppress(OSError, ValueError, KeyError, ValidationError):
            candidate = _Candidate(path, Rehearsal.read((path / handoff.RESULT).read_text("utf-8")))
            if candidate.started.tzinfo:
                yield candidate


def _judged(candidate: _Candidate, wanted: _Wanted) -> tuple[int, str | None]:
    """Return how many conditions hold before the first that does not, and what is wrong with that one."""
    for reached, condition in enumerate(_CONDITIONS):
        reason = condition(candidate, wanted)
        if reason:
            return reached, reason
    return len(_CONDITIONS), None


def _other_change(candidate: _Candidate, wanted: _Wanted) -> str | None:
    rehearsed = candidate.rehearsal.change
    if rehearsed is None:
        return "does not say of which change it is"
    parts = changes.differing(rehearsed, wanted.change)
    return f"is of another change, by its {', '.join(parts)}" if parts else None


def _other_major(candidate: _Candidate, wanted: _Wanted) -> str | None:
    major = candidate.rehearsal.base.major
    if major == wanted.major:
        return None
    return f"was on PostgreSQL {major or '(unknown)'}, and this database is PostgreSQL {wanted.major}"


def _expired(candidate: _Candidate, wanted: _Wanted) -> str | None:
    age = wanted.now - candidate.started
    if age <= wanted.max_age:
        return None
    return f"is {_rounded(age)} old, and may be no older than {_rounded(wanted.max_age)}"


def _rounded(duration: timedelta) -> str:
    hours = duration / timedelta(hours=1)
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"


def _not_passed(candidate: _Candidate, wanted: _Wanted) -> str | None:
    if candidate.rehearsal.ok:
        return None
    return f"did not pass: {candidate.rehearsal.summary.rstrip('.')}"


def _not_applied(candidate: _Candidate, wanted: _Wanted) -> str | None:
    results = {each.file: each for each in candidate.rehearsal.migrations}
    for file in wanted.pending:
        result = results.get(file)
        if result is None or result.status != "applied":
            return f"did not apply {file}, which is pending here"
        if not _reversible(result, wanted):
            return f"applied {file} and has not proven its rollback ({result.rollback.status})"
    return None


def _reversible(result: MigrationResult, wanted: _Wanted) -> bool:
    status = result.rollback.status
    return status == "proven" or (status == "missing" and not wanted.require_rollback)


def _spoilt(candidate: _Candidate, wanted: _Wanted) -> str | None:
    found = manifest.verify(candidate.path)
    if found.ok:
        return _without_deltas(candidate, wanted)
    named = ", ".join(f"{row['file']} {row['state']}" for row in found.rows[:3])
    return f"cannot be relied on: {found.summary.rstrip('.')}{f' ({named})' if named else ''}"


def _without_deltas(candidate: _Candidate, wanted: _Wanted) -> str | None:
    try:
        known = _deltas(candidate).deltas
    except (OSError, ValidationError) as error:
        return f"has a {deltas.NAME} that cannot be read ({type(error).__name__})"
    missing = [file for file in wanted.pending if file not in known]
    return f"does not say in {deltas.NAME} what {missing[0]} did" if missing else None


_CONDITIONS: tuple[Callable[[_Candidate, _Wanted], str | None], ...] = (
    _other_change,
    _other_major,
    _expired,
    _not_passed,
    _not_applied,
    _spoilt,
)


def _deltas(candidate: _Candidate) -> Deltas:
    return Deltas.model_validate_json((candidate.path / deltas.NAME).read_bytes())


def _rehearsed(candidate: _Candidate) -> Rehearsed:
    known = _deltas(candidate)
    return Rehearsed(
        rehearsal=candidate.rehearsal,
        path=candidate.path,
        seal=manifest.digest(candidate.path) or "",
        deltas=known.deltas,
        rows=known.rows,
    )
