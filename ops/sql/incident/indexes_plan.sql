-- Keeps one index of a plan that a run brings to the gate; one of that run and content that is over is planned again.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
insert into runbooks.incident_indexes as u (environment, plan_digest, name, item, reason, run, run_id, state)
values (%(environment)s, %(plan_digest)s, %(name)s, %(item)s::jsonb, %(reason)s, %(run)s, %(run_id)s, 'planned')
on conflict (environment, plan_digest, run_id, name) do update
set state = 'planned', said = '', run = excluded.run, item = excluded.item,
    planned_at = clock_timestamp(), done_at = null
where u.state not in ('begun', 'removing')
