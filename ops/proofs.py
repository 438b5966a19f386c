"""Which rollback scripts a rehearsal has proven: sealed, passed, and of exactly these files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from ops import handoff, manifest
from ops.migrations import Migration
from ops.verdict import MigrationResult, Rehearsal, Verdict


def find(root: Path, migrations: Iterable[Migration]) -> dict[str, Path]:
    """Return the newest bundle below `root` that proves the rollback of each migration, by version, if any does."""
    wanted = {migration.version: migration for migration in migrations}
    found: dict[str, Path] = {}
    for path, rehearsal in _rehearsals(root):
        for result in rehearsal.migrations:
            migration = wanted.get(result.version)
            if migration and result.version not in found and _proves(result, migration):
                found[result.version] = path
        if len(found) == len(wanted):
            break
    return found


def _rehearsals(root: Path) -> Iterator[tuple[Path, Rehearsal]]:
    results = (root / "artifacts" / "ops").glob(f"*/rehearsal_*/{handoff.RESULT}")
    for path in sorted(results, key=lambda result: result.parent.name, reverse=True):
        try:
            rehearsal = Rehearsal.read(path.read_text("utf-8"))
        except (OSError, ValueError, KeyError, ValidationError, json.JSONDecodeError):
            continue
        if rehearsal.verdict is Verdict.PASSED and manifest.verify(path.parent).ok:
            yield path.parent, rehearsal


def _proves(result: MigrationResult, migration: Migration) -> bool:
    script = migration.rollback
    return (
        script is not None
        and (result.status, result.rollback.status) == ("applied", "proven")
        and (result.sha256, result.rollback.sha256) == (migration.sha256, script.sha256)
    )
