-- Which relations does this transaction hold in which modes, and how many rows has it written to each so far?
-- Locks: none but those of reading the lock table. Lowest version: 15.
-- By oid alone, without a join: this runs in a new login each time, whose caches are cold.
select l.relation::bigint,
       pg_catalog.array_agg(distinct l.mode order by l.mode) as modes,
       pg_catalog.pg_stat_get_xact_tuples_inserted(l.relation)
       + pg_catalog.pg_stat_get_xact_tuples_updated(l.relation)
       + pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation) as written
from pg_catalog.pg_lock_status() l
where l.pid = pg_catalog.pg_backend_pid()
  and l.locktype = 'relation'
  and l.granted
  and l.mode <> 'AccessShareLock'
  and l.relation >= 16384
group by l.relation
