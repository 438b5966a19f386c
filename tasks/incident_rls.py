"""The steps of an incident of row level security, beside those of the quarterly audit."""

from __future__ import annotations

from ops import incident_rls
from tasks.checking import look
from tasks.step import step

plan_incident = step(
    incident_rls.plan,
    title="Plan the look at row level security of {environment}",
    evidence="incident-rls-plan",
)
list_policies = look(incident_rls.list_policies, title="List the policies", evidence="incident-policies")
propose = look(incident_rls.propose, title="Propose what would mend it", evidence="incident-correction")
