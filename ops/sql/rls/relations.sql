-- Which tables and views stand in these schemas, how their row level security is set, and what API roles may do there.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15 (security_invoker).
with api_role as (
    select oid, rolname from pg_roles where rolname in ('anon', 'authenticated')
),
relation as (
    select c.*, n.nspname
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where
        n.nspname = any(%(schemas)s)
        and c.relkind in ('r', 'p', 'f', 'v', 'm')
        and not exists (
            select from pg_depend as d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
        )
        -- What the platform made guards itself; the policies that a project gives it are the project's.
        and not (
            pg_get_userbyid(c.relowner) ~ '^supabase_.*admin$'
            and pg_get_userbyid(n.nspowner) ~ '^supabase_.*admin$'
            and not exists (select from pg_policy as p where p.polrelid = c.oid)
        )
)
select
    r.oid::bigint as oid,
    r.nspname || '.' || r.relname as name,
    quote_ident(r.nspname) || '.' || quote_ident(r.relname) as identifier,
    r.relkind::text as kind,
    case when r.relispartition then (
        select p.relnamespace::regnamespace || '.' || p.relname
        from pg_inherits as i
        join pg_class as p on p.oid = i.inhparent
        where i.inhrelid = r.oid
    ) end as partition_of,
    r.relrowsecurity as enabled,
    r.relforcerowsecurity as forced,
    coalesce((
        select bool_or(lower(o.option_value) in ('true', 'on', 'yes', '1'))
        from pg_options_to_table(r.reloptions) as o
        where o.option_name = 'security_invoker'
    ), false) as invoker,
    coalesce((
        select array_agg(a.rolname || ' ' || p.privilege order by a.rolname, p.number)
        from api_role as a
        cross join (
            values (1, 'SELECT', true), (2, 'INSERT', true), (3, 'UPDATE', true), (4, 'DELETE', false), (5, 'TRUNCATE', false)
        ) as p (number, privilege, by_column)
        where
            has_schema_privilege(a.oid, r.relnamespace, 'USAGE')
            and case
                when p.by_column then has_any_column_privilege(a.oid, r.oid, p.privilege)
                else has_table_privilege(a.oid, r.oid, p.privilege)
            end
    ), '{}') as privileges,
    case when r.relkind = 'v' then coalesce((
        with recursive used (oid) as (
            select r.oid
            union
            select d.refobjid
            from used
            join pg_class as v on v.oid = used.oid and v.relkind = 'v'
            join pg_rewrite as w on w.ev_class = v.oid
            join pg_depend as d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
            where d.refclassid = 'pg_class'::regclass
        )
        select array_agg(t.relnamespace::regnamespace || '.' || t.relname order by t.relname)
        from used
        join pg_class as t on t.oid = used.oid
        where t.relrowsecurity
    ), '{}') else '{}' end as guarded_tables
from relation as r
order by r.nspname, r.relname
