"""Evidence that earlier runs have left below `artifacts/ops`: found by its kind and by what it is about.

Nothing of it is trusted that its seal does not cover. What is newest counts, and where that is damaged it counts as
damaged: an older good one is not taken in its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from ops import manifest
from ops.manifest import Manifest

_EARLIER = datetime.min.replace(tzinfo=UTC)
Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What one attempt of a run has left; `problem` says why it cannot be believed, "" that it can be.

    `result` is what its result file holds, empty where that cannot be read; `ended` is when it was sealed, or, where no
    seal says so, when it was last touched.
    """

    path: Path
    kind: str
    ended: datetime
    run: str = ""
    digest: str = ""
    result: Result = field(default_factory=dict[str, Any])
    problem: str = ""

    @property
    def row(self) -> dict[str, Any]:
        """This evidence in a table."""
        at = self.ended.astimezone(UTC).isoformat(timespec="seconds")
        return {"evidence": self.path.name, "ended": at, "manifest": self.digest, "problem": self.problem}


def newest(root: Path, kind: str, *, result: str, about: Callable[[Result], bool]) -> Kept | None:
    """Return the newest evidence of a kind that is about something; `None`: there is none.

    `root` is where the runs wrote to (their `--out`), `result` the name of the file of which `about` is asked. A result
    that cannot be read may be about anything, and so it is.
    """
    candidates = [kept for kept in _read(root, kind, result) if not kept.result or about(kept.result)]
    last = max(candidates, key=lambda kept: (kept.ended, kept.path.as_posix()), default=None)
    return _verified(last, kind) if last else None


def _read(root: Path, kind: str, result: str) -> Iterator[Kept]:
    for path, began in _places(root, kind):
        sealed, problem = _manifest(path)
        there = (path / result).is_file()
        promised = sealed is not None and any(entry.name == result for entry in sealed.files)
        # A run that broke off before it had a result says nothing about anything.
        if there or promised or (problem and sealed is None and (path / manifest.NAME).exists()):
            yield Kept(
                path,
                kind,
                ended=sealed.sealed if sealed else max(began, _touched(path, result)),
                run=sealed.run if sealed else "",
                digest=manifest.digest(path) or "",
                result=_result(path / result),
                problem=problem,
            )


def _places(root: Path, kind: str) -> Iterator[tuple[Path, datetime]]:
    """Yield each bundle of a kind, and in it the attempts before its last, with the time when the run began."""
    name = re.compile(rf"{re.escape(kind)}_(\d{{8}}T\d{{6}}Z)(-\d+)?")
    for path in (root / "artifacts" / "ops").glob(f"*/{kind}_*"):
        found = name.fullmatch(path.name)
        if found and path.is_dir():
            began = _time(found[1])
            yield path, began
            yield from ((attempt, began) for attempt in path.glob("attempt-*") if attempt.is_dir())


def _touched(path: Path, result: str) -> datetime:
    there = [each for each in (path, path / result, path / manifest.NAME) if each.exists()]
    return datetime.fromtimestamp(max((each.stat().st_mtime for each in there), default=0), UTC)


def _time(stamp: str) -> datetime:
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return _EARLIER


def _manifest(path: Path) -> tuple[Manifest | None, str]:
    try:
        return Manifest.model_validate_json((path / manifest.NAME).read_bytes()), ""
    except FileNotFoundError:
        return None, f"{path.name} is not sealed: the run did not end."
    except (ValidationError, OSError):
        return None, f"The manifest of {path.name} cannot be read."


def _result(path: Path) -> Result:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _verified(kept: Kept, kind: str) -> Kept:
    """Return it with what is wrong with its seal, if anything is."""
    if kept.problem:
        return kept
    seal = manifest.verify(kept.path)
    sealed, _ = _manifest(kept.path)
    problem = "" if seal.ok else seal.summary
    if not problem and sealed and sealed.kind != kind:
        problem = f"{kept.path.name} is sealed as {sealed.kind!r}, not as {kind!r}."
    if not problem and not kept.result:
        problem = f"The result in {kept.path.name} cannot be read."
    return replace(kept, problem=problem)
