"""The migration that makes the indexes that seem to be missing, with its rollback; nothing is applied.

Source: supabase-operations.md, "Availability / Latency Degradation" ("Add index").
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from ops.check_looks import check
from ops.checking import Checking
from ops.evidence import Evidence
from ops.incident_plans import Index

MENDING, BACK = "corrective.sql", "corrective.rollback.sql"
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
    if not indexes or checking.bundle is None:
        return checking.found([], "No index seems to be missing, so no migration is proposed.")
    checking.bundle.write_text(MENDING, _ADVICE + "".join(f"{each.creation}\n" for each in indexes))
    checking.bundle.write_text(BACK, "".join(f"{each.removal}\n" for each in reversed(indexes)))
    return checking.found(
        [],
        f"{MENDING} in the bundle makes {len(indexes)} indexes that seem to be missing, {BACK} takes them away. Read "
        "it, make it a migration of the project (supabase migration new), rehearse it, and run "
        f"emergency-migration/{checking.plan.environment.name}: somebody else approves it.",
        rows=[{"statement": each.creation} for each in indexes],
    )


def kept(checking: Checking) -> tuple[Index, ...]:
    """Return the indexes that the looks of this attempt have found to be missing."""
    found = [Index.of(each) for each in chain.from_iterable(_read(checking).values())]
    return tuple({(each.schema, each.table, each.columns): each for each in found}.values())


def _read(checking: Checking) -> dict[str, list[dict[str, Any]]]:
    path = Path(checking.bundle.path, _KEPT) if checking.bundle else None
    return json.loads(path.read_text("utf-8")) if path and path.is_file() else {}
