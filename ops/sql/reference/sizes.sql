-- How large is each of these tables, without its indexes?
-- Locks: ACCESS SHARE on each table. Lowest version: 15.
select o.oid::bigint, coalesce((
    select sum(pg_catalog.pg_table_size(t.relid)) from pg_catalog.pg_partition_tree(o.oid::regclass) t where t.isleaf
), pg_catalog.pg_table_size(o.oid::regclass))::bigint
from unnest(%(oids)s::oid[]) as o (oid)
