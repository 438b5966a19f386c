-- Which tables hang together: by a foreign key (and what a delete or an update of it does), or as a partition?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'key' as link, k.conrelid::bigint as child, k.confrelid::bigint as parent,
    case k.confdeltype when 'c' then 'delete' when 'n' then 'update' when 'd' then 'update' end as on_delete,
    case when k.confupdtype in ('c', 'n', 'd') then 'update' end as on_update
from pg_catalog.pg_constraint as k
where k.contype = 'f'
union all
select 'partition', i.inhrelid::bigint, i.inhparent::bigint, null, null
from pg_catalog.pg_inherits as i
join pg_catalog.pg_class as c on c.oid = i.inhrelid
where c.relkind in ('r', 'p', 'f')
order by 1, 2, 3
