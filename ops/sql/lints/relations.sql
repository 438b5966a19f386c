-- Which tables and views there are beside the catalogs, whether the API serves their schema, and which of its roles may read them.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15 (security_invoker).
select
    c.oid,
    n.nspname::text as schema,
    c.relname::text as name,
    c.relkind::text as kind,
    c.relrowsecurity as guarded,
    n.nspname = any(%(platform)s::text[]) as of_platform,
    n.nspname = any(%(served)s::text[]) as served,
    c.oid in (
        select d.objid from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype = 'e'
    ) as of_extension,
    -- A role that does not exist has no oid, and may do nothing.
    pg_catalog.array_remove(array[
        case when pg_catalog.has_table_privilege(
            (select r.oid from pg_catalog.pg_roles as r where r.rolname = 'anon'), c.oid, 'SELECT'
        ) then 'anon' end,
        case when pg_catalog.has_table_privilege(
            (select r.oid from pg_catalog.pg_roles as r where r.rolname = 'authenticated'), c.oid, 'SELECT'
        ) then 'authenticated' end
    ], null) as readers,
    c.reloptions is not null and coalesce((
        select pg_catalog.bool_or(o.option_value::boolean) from pg_catalog.pg_options_to_table(c.reloptions) as o
        where o.option_name = 'security_invoker'
    ), false) as as_invoker
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where
    c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast|temp)'
