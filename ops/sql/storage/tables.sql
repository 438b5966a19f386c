-- Which row level security have the tables that decide who may do what in Storage?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    n.nspname::text as schema,
    c.relname::text as name,
    c.relrowsecurity as enabled,
    c.relforcerowsecurity as forced,
    coalesce((
        select pg_catalog.jsonb_object_agg(p.polname, pg_catalog.jsonb_build_object(
            'command', case p.polcmd
                when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL'
            end,
            'permissive', p.polpermissive,
            'roles', array(
                select case r.oid when 0 then 'public' else pg_catalog.pg_get_userbyid(r.oid)::text end
                from pg_catalog.unnest(p.polroles) as r (oid) order by 1
            ),
            'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
            'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
        ))
        from pg_catalog.pg_policy as p where p.polrelid = c.oid
    ), '{}') as policies
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname = 'storage' and c.relname in ('buckets', 'objects')
order by c.relname
