-- Which transactions of this database have begun to write and not ended, those of sessions and those that are prepared?
-- Locks: none but those of reading pg_locks. Lowest version: 15.
select 'session' as kind, l.pid::text as id, coalesce(a.usename::text, '') as role,
       coalesce(a.application_name, '') as application, a.xact_start as since
from pg_catalog.pg_locks l
join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
  and a.datname = current_database() and a.pid <> pg_catalog.pg_backend_pid()
union all
select 'prepared', p.gid, p.owner::text, '', p.prepared
from pg_catalog.pg_prepared_xacts p
where p.database = current_database()
order by 1, 2
