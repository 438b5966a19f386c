-- Keeps one upload of an approved plan; one that an earlier plan of the same content has done is planned again.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
insert into runbooks.storage_uploads as u (environment, plan_digest, bucket, name, item, reason, run, state)
values (%(environment)s, %(plan_digest)s, %(bucket)s, %(name)s, %(item)s::jsonb, %(reason)s, %(run)s, 'planned')
on conflict (environment, plan_digest, bucket, name) do update
set state = 'planned', said = '', run = excluded.run, planned_at = clock_timestamp(), done_at = null
where u.state in ('uploaded', 'skipped')
