-- Does this database say that it may be rehearsed on, was that said of this very database, and is it empty?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with ours as (
    select n.oid, n.nspname
    from pg_catalog.pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname <> all (%(platform)s) and n.nspname not in ('information_schema', 'runbooks')
),

made as (
    select 'pg_catalog.pg_class'::pg_catalog.regclass as class, c.oid, c.relname as name
    from pg_catalog.pg_class c where c.relnamespace in (select oid from ours)
    union all
    select 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.proname
    from pg_catalog.pg_proc p where p.pronamespace in (select oid from ours)
    union all
    select 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typname
    from pg_catalog.pg_type t where t.typnamespace in (select oid from ours)
)

select pg_catalog.to_regclass('runbooks.marker') is not null as has_marker,
       (select c.system_identifier from pg_catalog.pg_control_system() c)::text as system_identifier,
       (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())::bigint
           as database_oid,
       coalesce(pg_catalog.pg_relation_size(pg_catalog.to_regclass('auth.users')), 0) = 0
       and coalesce(pg_catalog.pg_relation_size(pg_catalog.to_regclass('storage.objects')), 0) = 0
       and not exists (select from ours where nspname <> 'public')
       and not exists (
           -- A hosted project that turns RLS on by itself starts with this one function.
           select from made m
           where m.name <> 'rls_auto_enable' and not exists (
               select from pg_catalog.pg_depend e
               where e.classid = m.class and e.objid = m.oid and e.deptype = 'e')
       ) as empty,
       pg_catalog.to_regnamespace('auth') is not null as shaped,
       (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user) as superuser
