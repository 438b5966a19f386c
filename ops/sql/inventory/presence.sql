-- Do the Supabase CLI's history table and our journal exist here, and may this role read them?
-- Locks: AccessShare on pg_class and pg_namespace only. Lowest version: 15.
select
    w.schema || '.' || w.name as name,
    c.oid is not null as there,
    coalesce(has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'), false) as readable,
    current_user::text as role
from (
    values ('supabase_migrations', 'schema_migrations'), ('runbooks', 'journal')
) as w (schema, name)
left join pg_catalog.pg_namespace as n on n.nspname = w.schema
left join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = w.name
order by w.name desc
