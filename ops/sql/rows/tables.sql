-- Which tables with rows on disk are there, how large are they, by which columns is a row known, and which times may a
-- trigger set on each update (type 19: before, for each row, of UPDATE)? An extension's own tables are among them where
-- they hold what its users have set up.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select c.oid::bigint,
       format('%%I.%%I', n.nspname, c.relname) as name,
       pg_catalog.pg_relation_size(c.oid) as bytes,
       coalesce((
           select array_agg(a.attname order by a.attnum)
           from pg_catalog.pg_index i
           join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
           where i.indrelid = c.oid and i.indisprimary
       ), '{}')::text[] as key,
       coalesce((
           select array_agg(a.attname)
           from pg_catalog.pg_attribute a
           left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             and (a.attidentity <> ''
                  or pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~* '(nextval|now|uuid|random|timestamp|time|date)'
                  or exists (
                      select from pg_catalog.pg_constraint f
                      where f.conrelid = c.oid and f.contype = 'f' and a.attnum = any (f.conkey)))
       ), '{}')::text[] as volatile,
       coalesce((
           select array_agg(format('%%s %%s', a.attnum, a.attname))
           from pg_catalog.pg_attribute a
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             and a.atttypid in ('pg_catalog.timestamp'::regtype, 'pg_catalog.timestamptz'::regtype)
             and exists (
                 select from pg_catalog.pg_trigger t
                 where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D' and t.tgtype & 19 = 19)
       ), '{}')::text[] as stamped,
       exists (select from pg_catalog.pg_extension x where c.oid = any (x.extconfig)) as of_extension
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r'
  and c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
  and pg_catalog.has_table_privilege(c.oid, 'SELECT')
  and c.oid = any (coalesce(%(oids)s::oid[], array(select r.oid from pg_catalog.pg_class r where r.relkind = 'r')))
  and (exists (select from pg_catalog.pg_extension x where c.oid = any (x.extconfig))
       or not exists (
           select from pg_catalog.pg_depend e
           where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e'))
order by 2
