-- Which of these objects (a JSON list with kind, schema, name, on, arguments) exist; an object without schema is looked
-- up where it would be created. Locks: AccessShare on catalogs only. Lowest version: 15.
with wanted as (
    select w.id, w.kind, coalesce(w.schema, current_schema(), 'public') as schema, w.name, w."on", w.arguments
    from jsonb_to_recordset(%(objects)s::jsonb)
        as w (id int, kind text, schema text, name text, "on" text, arguments jsonb)
),

parents as (
    select w.id, w.kind, w.name, c.oid
    from wanted as w
    join pg_catalog.pg_namespace as n on n.nspname = w.schema
    join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = w."on"
)

select w.id
from wanted as w
join pg_catalog.pg_namespace as n on n.nspname = w.schema
join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = w.name
where w.kind in ('table', 'view', 'index', 'sequence')
union all
select w.id
from wanted as w
join pg_catalog.pg_namespace as n on n.nspname = w.schema
join pg_catalog.pg_type as t on t.typnamespace = n.oid and t.typname = w.name
where w.kind = 'type'
union all
select distinct w.id
from wanted as w
join pg_catalog.pg_namespace as n on n.nspname = w.schema
join pg_catalog.pg_proc as p on p.pronamespace = n.oid and p.proname = w.name
where w.kind = 'function'
    and w.arguments = (
        select coalesce(jsonb_agg(t.typname order by a.place), '[]'::jsonb)
        from unnest(p.proargtypes) with ordinality as a (type, place)
        join pg_catalog.pg_type as t on t.oid = a.type
    )
union all
select w.id
from wanted as w
join pg_catalog.pg_namespace as n on n.nspname = w.name
where w.kind = 'schema'
union all
select p.id
from parents as p
join pg_catalog.pg_attribute as a on a.attrelid = p.oid and a.attname = p.name and not a.attisdropped
where p.kind = 'column'
union all
select p.id
from parents as p
join pg_catalog.pg_policy as l on l.polrelid = p.oid and l.polname = p.name
where p.kind = 'policy'
union all
select p.id
from parents as p
join pg_catalog.pg_trigger as t on t.tgrelid = p.oid and t.tgname = p.name
where p.kind = 'trigger'
union all
select p.id
from parents as p
join pg_catalog.pg_constraint as k on k.conrelid = p.oid and k.conname = p.name
where p.kind = 'constraint'
