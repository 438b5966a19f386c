-- Does this database say that it may be rehearsed on, was that said of this very database, and is it empty?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select to_regclass('runbooks.marker') is not null as has_marker,
       (select c.system_identifier from pg_catalog.pg_control_system() c)::text as system_identifier,
       (select d.oid from pg_catalog.pg_database d where d.datname = current_database())::bigint as database_oid,
       not exists (
           select from pg_catalog.pg_class c
           join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           where c.relkind in ('r', 'p', 'v', 'm', 'f')
             and n.nspname in ('public', 'private', 'app', 'supabase_migrations')
             and not exists (
                 select from pg_catalog.pg_depend e
                 where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
       ) and not exists (
           select from pg_catalog.pg_namespace n
           where n.nspname !~ '^pg_'
             and n.nspname not in ('information_schema', 'public', 'private', 'app', 'runbooks')
             and not n.nspname = any (%(platform)s)
       ) as empty,
       to_regnamespace('auth') is not null as shaped,
       (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user) as superuser
