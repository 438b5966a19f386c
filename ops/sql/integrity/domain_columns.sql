-- Which columns of the app's tables are of this domain, or of one that is made of it?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive typ as (
    select %(domain)s::oid as oid
    union
    select d.oid from typ join pg_catalog.pg_type d on d.typtype = 'd' and d.typbasetype = typ.oid
)
select a.attrelid::bigint as relation, a.attname::text as name
from pg_catalog.pg_attribute a
join typ on typ.oid = a.atttypid
where a.attrelid = any (%(oids)s::oid[]) and a.attnum > 0 and not a.attisdropped
order by a.attrelid::regclass::text, a.attnum
