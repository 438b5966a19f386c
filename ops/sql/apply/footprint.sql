-- What does this transaction hold and what has it written so far?
-- Locks: none but those of reading pg_locks. Lowest version: 15.
-- A table that this transaction has dropped has no name any more: its oid alone is returned.
select l.relation::bigint,
       case when c.oid is not null then format('%I.%I', n.nspname, c.relname) end as object,
       coalesce(c.relkind::text, '') as relkind,
       array_agg(distinct l.mode order by l.mode) as modes,
       case when c.relkind in ('r', 'p') then
           pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)
           + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
           + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)
       else 0 end as written
from pg_catalog.pg_locks l
left join pg_catalog.pg_class c on c.oid = l.relation
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where l.pid = pg_backend_pid()
  and l.locktype = 'relation'
  and l.granted
  and l.mode <> 'AccessShareLock'
  and l.relation >= 16384
  and (n.nspname is null
       or n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations'))
group by l.relation, c.oid, n.nspname, c.relname, c.relkind
order by 2
