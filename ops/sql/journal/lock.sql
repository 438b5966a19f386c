-- Takes the one lock of this database, if nobody holds it; says who does otherwise.
-- Locks: one advisory lock of this session. Lowest version: 15.
select pg_try_advisory_lock(k.classid, k.objid) as taken,
       pg_backend_pid() as pid,
       (select a.application_name
        from pg_catalog.pg_locks l
        join pg_catalog.pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and l.granted
          and l.classid = k.classid::oid and l.objid = k.objid::oid and l.objsubid = 2
          and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
        limit 1) as holder
from (values (1398096451, 1920298594)) as k (classid, objid)
