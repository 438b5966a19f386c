-- Does the session with this pid still hold the one lock of this database?
-- Locks: none but those of reading pg_locks. Lowest version: 15.
select exists (
    select from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.granted and l.pid = %(pid)s
      and l.classid = 1398096451 and l.objid = 1920298594 and l.objsubid = 2
)
