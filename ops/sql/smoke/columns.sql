-- What must a row of this table hold, and what does the server fill in?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with typed as (
    select a.*, t.typname, t.typcategory, t.typtype, coalesce(b.oid, t.oid) as base_oid, coalesce(b.typcategory, t.typcategory) as category,
           coalesce(b.typtype, t.typtype) as kind, t.typnotnull,
           pg_catalog.format_type(coalesce(b.oid, t.oid), case when b.oid is null then a.atttypmod else t.typtypmod end) as base
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_type b on b.oid = nullif(t.typbasetype, 0)
    where a.attrelid = %(oid)s and a.attnum > 0 and not a.attisdropped
)
select c.attname as name, c.base as type, c.category::text as category,
       (c.attnotnull or c.typnotnull) as required,
       c.atthasdef as has_default, c.attidentity::text as identity, c.attgenerated <> '' as generated,
       c.attidentity <> '' or exists (
           select from pg_catalog.pg_depend d
           join pg_catalog.pg_class s on s.oid = d.refobjid and s.relkind = 'S'
           where d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
             and d.refclassid = 'pg_catalog.pg_class'::regclass) as counted,
       exists (select from pg_catalog.pg_index i
               where i.indrelid = c.attrelid and i.indisprimary and c.attnum = any(i.indkey)) as key,
       exists (select from pg_catalog.pg_index i
               where i.indrelid = c.attrelid and i.indisunique and c.attnum = any(i.indkey)) as is_unique,
       (select e.enumlabel from pg_catalog.pg_enum e where e.enumtypid = c.base_oid order by e.enumsortorder limit 1) as label,
       (select pg_catalog.pg_get_constraintdef(k.oid) from pg_catalog.pg_constraint k
        where k.contype = 'c' and k.conrelid = c.attrelid and c.attnum = any(k.conkey) order by k.conname limit 1) as checked
from typed c
left join pg_catalog.pg_attrdef f on f.adrelid = c.attrelid and f.adnum = c.attnum
order by c.attnum
