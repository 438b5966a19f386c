-- What is applied, with what the journal last said of each version and when, the latest applied first.
-- Locks: ACCESS SHARE on the two tables. Lowest version: 15.
select h.version, l.action = 'apply' as ours, l.sha256, l.id
from supabase_migrations.schema_migrations h
left join lateral (
    select j.action, j.sha256, j.id
    from runbooks.journal j
    where j.version = h.version and j.action in ('apply', 'rollback')
    order by j.id desc
    limit 1
) l on true
order by l.id desc nulls first, h.version desc
