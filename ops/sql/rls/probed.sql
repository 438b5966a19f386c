-- Which tables does the API serve, how many rows may they have, and by which columns do their policies know a person?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    c.oid::bigint as oid,
    n.nspname::text as schema,
    c.relname::text as name,
    c.relrowsecurity as enabled,
    c.relforcerowsecurity as forced,
    n.nspname = any(%(schemas)s::text[]) as served,
    array(
        select a.attname::text from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        order by a.attnum
    ) as columns,
    -- Of a table that was never analyzed only its size is known; no row is smaller than this.
    case when c.reltuples >= 0 then c.reltuples else pg_catalog.pg_relation_size(c.oid) / 32 end::bigint as row_count,
    array(
        select a.attname::text
        from pg_catalog.pg_attribute as a
        where
            a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            and a.atttypid in ('uuid'::pg_catalog.regtype, 'text'::pg_catalog.regtype)
            and (
                a.attname in ('user_id', 'owner_id', 'owner', 'author_id', 'customer_id', 'profile_id', 'created_by')
                or exists (
                    select from pg_catalog.pg_policy as p
                    cross join lateral (values (p.polqual), (p.polwithcheck)) as e (predicate)
                    where p.polrelid = c.oid and pg_catalog.pg_get_expr(e.predicate, p.polrelid) ~ (
                        '(\m' || a.attname || '\)?(::text)? = \(*( ?SELECT \(?)?auth\.uid\(\)'
                        || '|auth\.uid\(\)[^=<>]* = \(?' || a.attname || '\M)'
                    )
                )
            )
        order by a.attnum
    ) as personal,
    coalesce((
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'to', k.confrelid::bigint,
            'columns', (
                select pg_catalog.jsonb_agg(a.attname order by u.place)
                from pg_catalog.unnest(k.conkey) with ordinality as u (number, place)
                join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = u.number
            ),
            'referenced', (
                select pg_catalog.jsonb_agg(a.attname order by u.place)
                from pg_catalog.unnest(k.confkey) with ordinality as u (number, place)
                join pg_catalog.pg_attribute as a on a.attrelid = k.confrelid and a.attnum = u.number
            )
        ) order by k.conname)
        from pg_catalog.pg_constraint as k
        where k.contype = 'f' and k.conrelid = c.oid and k.confrelid <> c.oid
    ), '[]') as references_to,
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
where
    c.relkind in ('r', 'p')
    and (
        n.nspname = any(%(schemas)s::text[])
        -- What says who belongs to whom may lie where the API does not serve it.
        or n.nspname || '.' || c.relname = any(%(named)s::text[])
        or n.nspname not in ('pg_catalog', 'information_schema')
        and pg_catalog.pg_get_userbyid(n.nspowner) !~ '^supabase_.*admin$'
        and pg_catalog.pg_has_role(c.relowner, 'USAGE')
        and exists (
            select from pg_catalog.pg_policy as p
            join pg_catalog.pg_class as t on t.oid = p.polrelid
            join pg_catalog.pg_namespace as s on s.oid = t.relnamespace
            join pg_catalog.pg_depend as d
                on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
            where s.nspname = any(%(schemas)s::text[]) and (
                d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = c.oid
                or d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass and exists (
                    select from pg_catalog.pg_proc as f
                    where
                        f.oid = d.refobjid
                        and pg_catalog.strpos(f.prosrc, n.nspname || '.' || c.relname) > 0
                )
            )
        )
    )
    and not exists (
        select from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e'
    )
order by n.nspname, c.relname
