"""The steps of an incident of latency, beside those of the daily checks."""

from __future__ import annotations

from ops import incident_statements, incident_suspects
from tasks.checking import look

check_statements = look(
    incident_statements.check_statements, title="Measure the statements", evidence="incident-statements"
)
check_suspects = look(
    incident_suspects.check_suspects, title="List what was changed of late", evidence="incident-suspects"
)
