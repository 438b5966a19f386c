-- What was applied here or rolled back of late, by which run, and below what that is applied does it lie?
-- Locks: ACCESS SHARE on the two tables. Lowest version: 15.
select j.file, j.version, j.action, j.at, j.run,
       j.action = 'apply' and exists (
           select from supabase_migrations.schema_migrations h where h.version = j.version
       ) as applied,
       (
           select pg_catalog.max(h.version collate "C")
           from supabase_migrations.schema_migrations h
           where h.version collate "C" < j.version
       ) as below
from runbooks.journal j
where j.action in ('apply', 'rollback') and j.at > pg_catalog.clock_timestamp() - %(span)s::interval
order by j.id desc
limit 10
