"""What a restore to this point takes back of our own records, as far as there is a copy of them outside."""

from __future__ import annotations

from ops import audit_store, database, drill, queries
from ops.drill import Drilling
from ops.drill_shape import IDLE
from ops.evidence import Evidence


@drill.reading("rewound")
def list_rewound(drilling: Drilling) -> Evidence:
    """List what of the audit log a restore to this point takes back; its copy outside has all of it."""
    restored = drilling.restored
    if restored is None:
        return Evidence(ok=True, idle=True, summary=IDLE)
    store = audit_store.Store.of(drilling.plan.out, drilling.plan.environment.name)
    with database.connect(restored.dsn, application=drilling.run) as connection, database.translating():
        ((last,),) = connection.execute(queries.load("drill/last_audit_row")).fetchall()
    lines = store.lines()
    rewound = audit_store.after(lines, last or 0)
    rows = tuple(
        {"row": each["id"], "at": each["at"], "event": each["event"], "run": each["run"]} for each in rewound
    )
    if not lines:
        return Evidence(ok=True, summary="There is no copy of an audit log, so nothing of one is rewound.")
    said = f"{len(rewound)} of the {len(lines)} rows of the audit log are newer than the recovered database"
    return Evidence(ok=True, summary=f"{said}, and their copy is kept." if rewound else f"{said}.", rows=rows)
