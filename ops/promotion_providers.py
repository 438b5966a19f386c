"""The providers as they were before a promotion, so that a P0 rollback can be judged by them.

Source: phase2-rollout-and-eval.md, section 0: one database serves both environments, and the reset touches both.
"""

from __future__ import annotations

from ops import database, errors
from ops.kept_state import State
from ops.p0_rollback import ProviderReset
from ops.promoting import Promoting

FILE = "providers_before.json"


def before(promoting: Promoting) -> State:
    """Return every provider's row as it is, and write it into the bundle; none where there is no such table yet."""
    reset = ProviderReset(promoting.plan.project.providers)
    try:
        with database.translating():
            reset.open(promoting.connection)
            found = reset.read(promoting.connection)
    except errors.Refused as refused:
        if ("table", promoting.plan.project.providers.table) in promoting.before:
            promoting.findings.append(f"The providers as they were before are not kept: {refused}")
        return {}
    if promoting.bundle:
        promoting.bundle.write_json(FILE, found)
    return found
