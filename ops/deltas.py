"""What each file of a rehearsal did to the schema and on how many rows, for a promotion to be compared with.

Objects are named and described in the server's words: no OID, no name of the database, no time of the run.
"""

from __future__ import annotations

from collections.abc import Mapping

from ops.rehearsal import Rehearsing
from ops.reversal import Step
from ops.schema import SECRETS, Delta
from ops.verdict import Lock, Part

NAME = "delta.json"
# A digest of a secret is salted by the process that made it.
_HIDDEN = "(not told)"


class Changed(Part):
    """One object, with its definition before the file and after it; `None` where it did not exist.

    Both are the same where the file names a policy and has left it as it was.
    """

    kind: str
    object: str
    before: str | None
    after: str | None


class FileDelta(Part):
    """What one file did when it was applied; `rows` counts those that its tables had before it.

    `None` stands for a table that was too large for its rows to be kept.
    """

    file: str
    sha256: str
    overlay: bool
    delta: tuple[Changed, ...]
    locks: tuple[Lock, ...]
    duration_ms: float
    rows_written: int
    rows: dict[str, int | None]


class Deltas(Part):
    """What `delta.json` of a rehearsal's bundle holds: the files that are applied, in their order."""

    files: tuple[FileDelta, ...]

    @property
    def deltas(self) -> dict[str, Delta]:
        return {
            each.file: {(c.kind, c.object): (c.before, c.after) for c in each.delta} for each in self.files
        }

    @property
    def rows(self) -> dict[str, Mapping[str, int]]:
        """The known row counts by file and table."""
        return {
            each.file: {name: count for name, count in each.rows.items() if count is not None}
            for each in self.files
        }


def of(rehearsing: Rehearsing) -> Deltas:
    """Return what the files did that a rehearsal has left applied."""
    done = [m for m in rehearsing.pending if m.file in rehearsing.applied]
    return Deltas(
        files=tuple(_file(m.file, m.sha256, rehearsing.applied[m.file], overlay=m.overlay) for m in done)
    )


def told(delta: Delta) -> Delta:
    """Return a delta as it is kept and compared: that a secret was set is told, not which."""
    return {
        key: (_hidden(before), _hidden(after)) if key[0] in SECRETS else (before, after)
        for key, (before, after) in delta.items()
    }


def _hidden(text: str | None) -> str | None:
    return None if text is None else _HIDDEN


def _file(file: str, sha256: str, step: Step, *, overlay: bool) -> FileDelta:
    left: Delta = {key: (text, text) for key, text in step.left.items()}
    changed = [
        Changed(kind=kind, object=identity, before=before, after=after)
        for (kind, identity), (before, after) in sorted(told({**left, **step.delta}).items())
    ]
    return FileDelta(
        file=file,
        sha256=sha256,
        overlay=overlay,
        delta=tuple(changed),
        locks=step.outcome.locks,
        duration_ms=step.outcome.duration_ms,
        rows_written=step.outcome.rows_written,
        rows=dict(step.counted),
    )
