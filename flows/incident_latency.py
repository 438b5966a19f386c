"""An incident of latency. Source: supabase-operations.md, "High Latency / Timeouts"."""

from __future__ import annotations

from ops.checked import Checked
from ops.incident_latency import Act
from tasks import checking
from tasks import daily_checks as daily
from tasks import incident_indexes as indexes
from tasks import incident_latency as step
from tasks import incident_rollback as rollback
from tasks import incident_writes as writes
from tasks.runbook import flow


@flow(name="incident-latency", flow_run_name="Why {project} is slow on {environment}")
def incident_latency(
    project: str,
    environment: str = "production",
    act: Act = Act.LOOK,
    reason: str = "",
    suspect: str = "",
) -> Checked:
    """Find why a database is slow: who waits for whom, what costs the most, what has changed, what would help.

    **When** the app is slow or times out, by whoever is on call.
    **Needs** an environment with a `database` and pg_stat_statements; a login that may see other sessions.
    **Touches** nothing; with another `act`, once approved, rights to write, the app's flag, sessions, jobs, or indexes.
    **If it stops halfway** run it again: it looks at everything anew, and what was paused stays paused.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        act: Only to look; or then to make the database refuse writes (read-only), to let them go on (read-write), to
            build the indexes that seem to be missing (index), to remove what was built so (drop-index), or to have
            schema-rollback take a suspect migration back (rollback), which asks at its own gate. Nothing is given up
            (abandon): that is refused, and the inverse named.
        reason: Why, for those who approve and for the record.
        suspect: Version of the migration that is rolled back, with what came after it; else the one applied last.
    """
    plan = step.plan_incident(project, environment, act, reason, suspect)

    with checking.opened(plan) as found:
        checking.reach(found)
        daily.check_connections_taken(found)
        daily.check_transactions_open(found)
        daily.check_blocked(found)
        step.show_waiting(found)
        step.check_statements(found)
        step.check_running(found)
        daily.check_cache(found)
        step.check_suspects(found)
        writes.check_paused(found)
        step.propose(found)

        checking.list_findings(found)
        if plan.act is Act.LOOK:
            return checking.hand_off(found)
        step.hand_on(found)

        if plan.act is Act.ROLLBACK:
            return rollback.start(found, plan)

        if plan.act in (Act.INDEX, Act.DROP_INDEX):
            indexing = indexes.find_indexes(found, plan)
            if indexing.due:
                indexes.approve(indexing)

                indexes.build(indexing)
            indexes.prove_indexes(indexing)
            return indexes.record(indexing)

        switching = writes.find_writes(found, plan)
        if switching.due:
            writes.approve(switching)

            writes.switch_writes(switching)
        writes.prove_writes(switching)
        return writes.record(found, switching)
