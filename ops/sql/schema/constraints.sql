-- Which constraints do these tables have?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
-- A not-null constraint under its default name (PostgreSQL 18 has a row for it) is said with its column.
select 'pg_catalog.pg_class'::regclass::oid::bigint, c.oid::bigint, 'constraint' as kind,
       pg_catalog.format('%%I.%%I.%%I', c.nspname, c.relname, k.conname) as identity,
       pg_catalog.concat_ws(' ',
           pg_catalog.pg_get_constraintdef(k.oid),
           case when not k.conislocal then 'inherited' end,
           case when k.contype = 'n' and k.coninhcount > 0 then 'from its parent' end
       ) as definition
from asked c
join pg_catalog.pg_constraint k on k.conrelid = c.oid
where k.contype <> 't'
  and not (k.contype = 'n' and k.convalidated and not k.connoinherit and (not k.conislocal or k.conname = (
      select c.relname || '_' || a.attname || '_not_null'
      from pg_catalog.pg_attribute a where a.attrelid = k.conrelid and a.attnum = k.conkey[1])))
  and not c.of_extension
