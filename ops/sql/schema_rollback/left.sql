-- Is each of these versions still in the history, and which run has rolled it back last?
-- Locks: ACCESS SHARE on the two tables. Lowest version: 15.
select v.version,
       exists (select from supabase_migrations.schema_migrations h where h.version = v.version),
       (select case when j.action = 'rollback' then j.run end
        from runbooks.journal j
        where j.version = v.version and j.action in ('apply', 'rollback')
        order by j.id desc
        limit 1)
from unnest(%(versions)s::text[]) as v (version)
