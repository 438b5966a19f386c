"""What a rehearsal covers and a promotion carries out, as digests over content: each part by itself, and all together.

Source: design.md, section 5 ("Two digests"). Nothing volatile counts, nor where the repository lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from ops import contract, copies, migrations, pgtap, verification
from ops.migrations import Migration
from ops.project import Environment, Project
from ops.release_settings import ReleaseGate
from ops.verdict import ChangeParts

Change = ChangeParts
_WORDS = {
    "migrations": "migrations or rollback scripts",
    "overlay": "overlay",
    "verification": "verification files",
    "gates": "release gates",
}


def of(
    project: Project,
    environment: Environment | None,
    found: Sequence[Migration],
    overlays: Sequence[Migration],
) -> Change:
    """Return the change that these files are, with the overlay and the gates of an environment.

    Without an environment the gates are those that are asked everywhere.
    """
    return Change(
        migrations=migrations.change_digest(found),
        overlay=_of_overlays(overlays),
        overlay_environment=environment.name if environment and overlays else "",
        verification=_of_files(project.root, _verification(project)),
        gates=_of_gates(project, environment),
    )


def differing(one: Change, other: Change) -> tuple[str, ...]:
    """Name the parts that are not the same."""
    names = [
        word
        for part, word in _WORDS.items()
        if part != "overlay" and getattr(one, part) != getattr(other, part)
    ]
    if (one.overlay, one.overlay_environment) != (other.overlay, other.overlay_environment):
        names.append(f"overlay ({_whose(one)} there, {_whose(other)} now)")
    return tuple(names)


def _whose(change: Change) -> str:
    return f"{change.overlay_environment}'s {change.overlay[:8]}" if change.overlay else "none"


def _of_overlays(overlays: Sequence[Migration]) -> str:
    lines = [
        f"{each.file} {each.sha256} {each.rollback.sha256 if each.rollback else '-'}" for each in overlays
    ]
    return _digest(lines) if lines else ""


def _verification(project: Project) -> list[Path]:
    """Return the verification scripts, the contract, the pgTAP suites, and what any of these includes."""
    chosen = project.pull_request
    globs = verification.VERIFY if chosen.verify is None else chosen.verify
    named = project.contract if project.contract is not None else (contract.CONVENTION,)
    found = dict.fromkeys(
        path
        for path in (
            *(path for glob in globs for path in project.root.glob(glob)),
            *(project.root / path for path in named),
            *pgtap.find(project),
        )
        if path.is_file()
    )
    queue = list(found)
    while queue:
        path = queue.pop()
        text = path.read_bytes().decode("utf-8", "replace")
        for included in copies.includes(path, text, root=project.root):
            if included.path.is_file() and included.path not in found:
                found[included.path] = None
                queue.append(included.path)
    return list(found)


def _of_files(root: Path, paths: Iterable[Path]) -> str:
    hashes = {path.resolve(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return _digest(sorted(f"{_told(path, root)} {sha256}" for path, sha256 in hashes.items()))


def _told(path: Path, root: Path) -> str:
    inside = path.is_relative_to(root.resolve())
    return path.relative_to(root.resolve()).as_posix() if inside else path.name


def _of_gates(project: Project, environment: Environment | None) -> str:
    asked = [gate for gate in project.release.gates if _is_asked(gate, environment)]
    return _digest(
        [f"{gate.model_dump_json(exclude={'environments'})} {_content(project, gate)}" for gate in asked]
    )


def _is_asked(gate: ReleaseGate, environment: Environment | None) -> bool:
    return not gate.environments or (environment is not None and environment.name in gate.environments)


def _content(project: Project, gate: ReleaseGate) -> str:
    if gate.file is None:
        return "-"
    path = project.root / gate.file
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
