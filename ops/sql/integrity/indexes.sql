-- Which indexes of the app's tables does the planner not use or the server not keep, and is somebody building them?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive family as (
    select given.oid from pg_catalog.unnest(%(oids)s::oid[]) given (oid)
    union
    select i.inhrelid
    from family
    join pg_catalog.pg_inherits i on i.inhparent = family.oid
    join pg_catalog.pg_class p on p.oid = i.inhrelid and p.relispartition
)
select pg_catalog.format('%%s.%%s', n.nspname, c.relname) as name,
       pg_catalog.format('%%I.%%I', n.nspname, c.relname) as identifier,
       pg_catalog.format('%%s.%%s', tn.nspname, t.relname) as table_name,
       c.relkind = 'I' as partitioned,
       i.indisunique as is_unique,
       i.indislive as live,
       exists (
           select from pg_catalog.pg_stat_progress_create_index p where p.index_relid = i.indexrelid
       ) as building,
       -- Of the sessions of others a role without pg_read_all_stats sees only that they build one.
       exists (
           select from pg_catalog.pg_stat_progress_create_index p
           where p.datname = pg_catalog.current_database() and p.relid is null
       ) as hidden
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
where not (i.indisvalid and i.indisready and i.indislive)
  and i.indrelid in (select family.oid from family)
order by n.nspname, c.relname
