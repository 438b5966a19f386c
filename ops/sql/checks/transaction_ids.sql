-- How old are the oldest transaction id and the oldest multixact of each database, and which table has them here?
-- Locks: none. Lowest version: 15.
select
    d.datname as name,
    pg_catalog.age(d.datfrozenxid) as xids,
    pg_catalog.mxid_age(d.datminmxid) as multixacts,
    case when d.datname = pg_catalog.current_database() then (
        select c.oid::pg_catalog.regclass::text
        from pg_catalog.pg_class c
        where c.relkind in ('r', 'm', 't')
        order by pg_catalog.age(c.relfrozenxid) desc
        limit 1) end as oldest
from pg_catalog.pg_database d
order by 2 desc
