-- Ends the sessions of others in this database, as far as this login may: without `ours`, and, where they are named, only
-- those in `of`.
-- Locks: none. Lowest version: 15.
select a.pid, coalesce(a.usename::text, '') as role, coalesce(a.application_name, '') as application,
       case when pg_catalog.pg_has_role(a.usesysid, 'usage')
              or (not r.rolsuper and pg_catalog.pg_has_role('pg_signal_backend', 'usage'))
            then pg_catalog.pg_terminate_backend(a.pid) else false end as ended
from pg_catalog.pg_stat_activity a
join pg_catalog.pg_roles r on r.oid = a.usesysid
where a.datname = current_database() and a.backend_type = 'client backend'
  and a.pid <> pg_catalog.pg_backend_pid() and a.pid <> all (%(ours)s::int[])
  and (%(of)s::int[] is null or a.pid = any (%(of)s::int[]))
order by a.pid
