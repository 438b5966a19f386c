-- Which schemas the API serves, as this session or the login of the API says, and whether the buckets can be read.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    pg_catalog.current_setting('pgrst.db_schemas', true) as of_session,
    (
        select pg_catalog.substr(e.setting, pg_catalog.length('pgrst.db_schemas=') + 1)
        from pg_catalog.pg_db_role_setting as s
        join pg_catalog.pg_roles as r on r.oid = s.setrole and r.rolname = 'authenticator'
        cross join pg_catalog.unnest(s.setconfig) as e (setting)
        where
            pg_catalog.starts_with(e.setting, 'pgrst.db_schemas=')
            and s.setdatabase in (
                0, (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
            )
        -- What is set for this database counts before what is set for all.
        order by s.setdatabase desc
        limit 1
    ) as of_authenticator,
    coalesce((
        select
            pg_catalog.count(*) = 3
            and pg_catalog.bool_and(
                pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                and pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
            )
        from pg_catalog.pg_namespace as n
        join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = 'buckets'
        join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attname in ('id', 'name', 'public')
        where n.nspname = 'storage'
    ), false) as has_buckets
