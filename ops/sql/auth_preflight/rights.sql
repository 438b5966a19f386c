-- Which of the rights that an app needs on these tables does this role have?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
-- The sequence behind an identity column asks for no right of its own; one in a default does.
with wanted as (
    select w.schema, w.name, c.oid
    from unnest(%(schemas)s::text[], %(names)s::text[]) with ordinality as w (schema, name, number)
    join pg_catalog.pg_namespace n on n.nspname = w.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name
),
sequences as (
    select distinct s.oid, n.nspname, s.relname
    from wanted w
    join pg_catalog.pg_attrdef a on a.adrelid = w.oid
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = a.oid
        and d.refclassid = 'pg_catalog.pg_class'::regclass
    join pg_catalog.pg_class s on s.oid = d.refobjid and s.relkind = 'S'
    join pg_catalog.pg_namespace n on n.oid = s.relnamespace
)
select 'schema' as kind, pg_catalog.quote_ident(w.schema) as object, 'usage' as privilege, current_user::text as role,
       pg_catalog.has_schema_privilege(n.oid, 'usage') as granted
from (select distinct schema from wanted) w
join pg_catalog.pg_namespace n on n.nspname = w.schema
union all
select 'table', pg_catalog.format('%%I.%%I', w.schema, w.name), p.privilege, current_user::text,
       pg_catalog.has_table_privilege(w.oid, p.privilege)
from wanted w
cross join unnest(array['select', 'insert', 'update', 'delete']) as p (privilege)
union all
select 'sequence', pg_catalog.format('%%I.%%I', s.nspname, s.relname), 'usage', current_user::text,
       pg_catalog.has_sequence_privilege(s.oid, 'usage') or pg_catalog.has_sequence_privilege(s.oid, 'update')
from sequences s
