-- Who is connected to this database?
-- Locks: none but those of reading the sessions. Lowest version: 15.
select pg_catalog.format('%%s (pid %%s)', coalesce(nullif(a.application_name, ''), a.usename, 'unknown'), a.pid)
from pg_catalog.pg_stat_activity a
where a.datname = %(name)s and a.pid <> pg_catalog.pg_backend_pid()
order by a.pid
