-- Keeps one upload of an approved plan; where an earlier plan of the same content has ended it is planned again.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
insert into runbooks.storage_uploads as u (environment, plan_digest, bucket, name, item, reason, run, state)
values (%(environment)s, %(plan_digest)s, %(bucket)s, %(name)s, %(item)s::jsonb, %(reason)s, %(run)s, 'planned')
on conflict (environment, plan_digest, bucket, name) do update
set state = 'planned', said = '', run = excluded.run, planned_at = clock_timestamp(), done_at = null,
    version = null, outcome = null, ended_at = null, ended_by = null
where u.outcome is not null
