-- How many rows has this transaction inserted, updated and deleted, in which tables?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select s.relid::bigint, s.schemaname || '.' || s.relname, s.n_tup_ins, s.n_tup_upd, s.n_tup_del
from pg_catalog.pg_stat_xact_all_tables s
where s.schemaname not in ('pg_catalog', 'pg_toast', 'runbooks') and s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
order by 2
