-- How far have these sequences counted?
-- Locks: ROW EXCLUSIVE on each of them, which is why it is asked for some at a time. Lowest version: 15.
select n.nspname || '.' || c.relname, pg_catalog.pg_sequence_last_value(c.oid)
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.oid = any(%(oids)s::bigint[]::oid[]) and c.relkind = 'S'
order by 1
