-- What may roles beside these on tables themselves, as owner or by grant, grouped by role, schema and what they may?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with relation as (
    select c.oid, c.relname, c.relowner, c.relacl, n.nspname, pg_catalog.pg_get_userbyid(n.nspowner) as schema_owner
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where
        c.relkind in ('r', 'p', 'v', 'm', 'f')
        and n.nspname !~ '^pg_'
        and n.nspname <> 'information_schema'
        and not exists (
            select from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e'
        )
),
given as (
    select r.nspname, r.relname, r.relowner, r.schema_owner, a.grantee, a.privilege_type
    from relation as r
    cross join pg_catalog.aclexplode(r.relacl) as a
    union
    select r.nspname, r.relname, r.relowner, r.schema_owner, a.grantee, a.privilege_type
    from relation as r
    join pg_catalog.pg_attribute as t on t.attrelid = r.oid and not t.attisdropped
    cross join pg_catalog.aclexplode(t.attacl) as a
    union
    select r.nspname, r.relname, null, r.schema_owner, r.relowner, 'owner' from relation as r
),
of_table as (
    select
        case g.grantee when 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(g.grantee)::text end as grantee,
        g.nspname::text as schema,
        g.relname::text as name,
        array_agg(distinct lower(g.privilege_type)::text order by lower(g.privilege_type)::text) as privileges
    from given as g
    where
        -- What an owner has by its own grant it has as the owner.
        g.grantee is distinct from g.relowner
        -- What the platform gives to everybody in schemas of its own is its own to decide.
        and not (g.grantee = 0 and g.schema_owner ~ '^supabase_')
    group by 1, 2, 3
)
select o.grantee, o.schema, o.privileges, array_agg(o.name order by o.name) as tables
from of_table as o
where o.grantee <> all(%(beside)s::text[]) and o.grantee !~ '^pg_'
group by 1, 2, 3
order by 1, 2, 3
