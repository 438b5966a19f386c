-- On which tables several permissive policies answer for one role and one action, so that each is run for every row.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'multiple_permissive_policies' as lint,
    p.schema,
    p.name,
    'table' as type,
    pg_catalog.format('%%s %%s', r.rolname, p.action) as part,
    pg_catalog.format('multiple_permissive_policies_%%s_%%s_%%s_%%s', p.schema, p.name, r.rolname, p.action) as cache_key,
    pg_catalog.jsonb_build_object(
        'role', r.rolname, 'action', p.action, 'policies', pg_catalog.jsonb_agg(p.policy order by p.policy)
    ) as facts
from (
    -- Most tables have one policy for an action, so that the roles of few need to be looked up.
    select p.schema, p.name, p.policy, p.roles, a.action,
        pg_catalog.count(*) over (partition by p.relation, a.action) as beside
    from policies as p
    join (
        values
        ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE'),
        ('*', 'SELECT'), ('*', 'INSERT'), ('*', 'UPDATE'), ('*', 'DELETE')
    ) as a (command, action) on a.command = p.command
    where p.permissive and p.kind in ('r', 'p') and not p.of_platform and not p.of_extension
) as p
join pg_catalog.pg_roles as r on r.oid = any(p.roles) or 0 = any(p.roles)
where
    p.beside > 1
    -- Whom no policy holds pays for none, and the platform's own roles are nobody's visitors.
    and not r.rolbypassrls
    and r.rolname !~ '^pg.'
    and r.rolname !~ '^supabase.*admin$'
group by p.schema, p.name, r.rolname, p.action
having pg_catalog.count(*) > 1
