"""What a restore to this point takes back of our own records, as far as there is a copy of them outside."""

from __future__ import annotations

from collections import Counter

from ops import database, drill
from ops.drill import Drilling
from ops.drill_shape import IDLE
from ops.evidence import Evidence
from ops.record_copies import Copies

_NO_COPY = (
    "Outside there is no copy of the journal's single rows (only of what promotions and rollbacks did), of promotions "
    "under way, write pauses, baselines and watermarks of evals, and heartbeats."
)


@drill.reading("rewound")
def list_rewound(drilling: Drilling) -> Evidence:
    """List what of our own records a restore to this point takes back, which only their copies outside still have."""
    restored = drilling.restored
    if restored is None:
        return Evidence(ok=True, idle=True, summary=IDLE)
    with database.connect(restored.dsn, application=drilling.run) as connection:
        copies = Copies(connection, drilling.plan.out, drilling.plan.environment.name)
        found = [
            *(*copies.audit(), *copies.codes(), *copies.journal()),
            *(*copies.deploys(), *copies.soaks(), *copies.drills()),
        ]
    if not found:
        said = "The recovered database has all of our own records of which there is a copy outside."
        return Evidence(ok=True, summary=f"{said} {_NO_COPY}")
    counted = Counter(each["record"] for each in found)
    what = ", ".join(f"{count} of {record}" for record, count in counted.items())
    said = f"A restore to here takes back {len(found)} of our own records, whose copies outside are kept: {what}."
    return Evidence(ok=True, summary=f"{said} {_NO_COPY}", rows=tuple(found))
