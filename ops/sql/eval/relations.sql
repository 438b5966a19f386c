-- What are these relations, of which columns and keys, who reads them, and what may this login do there?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select w.schema,
       w.name,
       c.relkind::text as kind,
       coalesce(c.relrowsecurity, false) as secured,
       coalesce(pg_catalog.row_security_active(c.oid), false) as hidden,
       coalesce(
           pg_catalog.array_to_string(c.reloptions, ',') ~ '(^|,)security_invoker=(true|on|1|yes)(,|$)', false
       ) as invoker,
       array(
           select r.rolname::text
           from pg_catalog.pg_roles r
           where r.rolname in ('anon', 'authenticated') and pg_catalog.has_table_privilege(r.oid, c.oid, 'select')
           order by 1
       ) as readers,
       array(
           select p.privilege
           from unnest(array['select', 'insert', 'update']) as p (privilege)
           where pg_catalog.has_schema_privilege(n.oid, 'usage')
             and pg_catalog.has_table_privilege(c.oid, p.privilege)
       ) as privileges,
       coalesce((
           select pg_catalog.jsonb_object_agg(a.attname, pg_catalog.jsonb_build_object(
               'type', pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null),
               'made', a.attidentity <> '' or a.atthasdef,
               'needed', a.attnotnull and a.attidentity = '' and not a.atthasdef
           ))
           from pg_catalog.pg_attribute a
           join pg_catalog.pg_type t on t.oid = a.atttypid
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       ), '{}') as columns,
       coalesce((
           select pg_catalog.jsonb_agg(array(
               select a.attname::text
               from pg_catalog.pg_attribute a
               where a.attrelid = c.oid and a.attnum = any (i.indkey::smallint[])
               order by 1
           ))
           from pg_catalog.pg_index i
           where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
       ), '[]') as keys
from unnest(%(schemas)s::text[], %(names)s::text[]) with ordinality as w (schema, name, number)
left join pg_catalog.pg_namespace n on n.nspname = w.schema
left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by w.number
