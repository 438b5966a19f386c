"""The migration that makes the indexes that seem to be missing, with its rollback; nothing is applied.

Source: supabase-operations.md, "Availability / Latency Degradation" ("Add index").
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from ops import incident_suspects
from ops.check_looks import check
from ops.checking import Checking
from ops.evidence import Evidence
from ops.incident_plans import Index

MENDING, BACK, NEXT = "corrective.sql", "corrective.rollback.sql", "next-steps.md"
_KEPT = "missing-indexes.json"
_ADVICE = """\
-- Made of the plans of the statements that cost the most. Read it, make it a migration of the project (supabase
-- migration new), rehearse it, and apply it with emergency-migration.
"""


def keep(checking: Checking, indexes: Iterable[Index]) -> None:
    """Keep in the bundle which indexes seem to be missing, as the look that is under way has found."""
    if checking.bundle:
        found = {**_read(checking), checking.about: [asdict(each) for each in indexes]}
        checking.bundle.write_json(_KEPT, found)


@check("corrective migration")
def propose(checking: Checking) -> Evidence:
    """Write the migration that makes the missing indexes, and its rollback; nothing is applied."""
    indexes = kept(checking)
    where = checking.plan.environment.name
    if checking.bundle and (steps := "\n".join(_steps(checking, indexes))):
        checking.bundle.write_text(NEXT, f"# What would help, with all parameters\n\n{steps}\n")
    if not indexes or checking.bundle is None:
        return checking.found([], "No index seems to be missing, so no migration is proposed.")
    checking.bundle.write_text(MENDING, _ADVICE + "".join(f"{each.creation}\n" for each in indexes))
    checking.bundle.write_text(BACK, "".join(f"{each.removal}\n" for each in reversed(indexes)))
    return checking.found(
        [],
        f"{MENDING} in the bundle makes {len(indexes)} indexes that seem to be missing, {BACK} takes them away. "
        f"{NEXT} has the commands: at once with incident-latency/{where}, act index, or as a migration with "
        f"emergency-migration/{where}; somebody else approves both.",
        rows=[{"statement": each.creation} for each in indexes],
    )


def kept(checking: Checking) -> tuple[Index, ...]:
    """Return the indexes that the looks of this attempt have found to be missing."""
    found = [Index.of(each) for each in chain.from_iterable(_read(checking).values())]
    return tuple({(each.schema, each.table, each.columns): each for each in found}.values())


def _steps(checking: Checking, indexes: Iterable[Index]) -> Iterator[str]:
    where, why = checking.plan.environment.name, '"reason=what is wrong, in ten characters or more"'
    if indexes and checking.bundle:
        version = f"{checking.now:%Y%m%d%H%M%S}"
        stem, folder = f"{version}_indexes_of_incident", checking.bundle.path
        yield f"Build the indexes of {MENDING} now, behind a gate, and undo it:\n\n```sh"
        yield f"runbooks run incident-latency/{where} --set act=index --set {why}"
        yield f"runbooks run incident-latency/{where} --set act=drop-index\n```\n"
        yield "Or as a migration that is rehearsed first (its rollback where the others are):\n\n```sh"
        yield f"cp {shlex.quote(str(folder / MENDING))} supabase/migrations/{stem}.sql"
        yield f"cp {shlex.quote(str(folder / BACK))} supabase/rollbacks/{stem}.sql"
        yield f"runbooks rehearse . --overlay {where}"
        yield f"runbooks run emergency-migration/{where} --set version={version} --set {why}\n```\n"
    for each in incident_suspects.ask(checking) or []:
        if each.choices:
            yield f"Roll back {each.file}, with what came after it:\n\n```sh"
            yield incident_suspects.command(each, where)
            act = f"--set act=rollback --set suspect={each.version} --set {why}"
            yield f"runbooks run incident-latency/{where} {act}\n```\n"


def _read(checking: Checking) -> dict[str, list[dict[str, Any]]]:
    path = Path(checking.bundle.path, _KEPT) if checking.bundle else None
    return json.loads(path.read_text("utf-8")) if path and path.is_file() else {}
