-- By which oid do foreign keys point to the users of the platform, and may this login become each of the API's roles?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    -- By name in the catalog, which also answers whom the schema is closed to.
    (
        select c.oid::bigint
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'auth' and c.relname = 'users'
    ) as users,
    array(
        select w.name from pg_catalog.unnest(%(roles)s::text[]) as w (name)
        where not exists (
            select from pg_catalog.pg_roles as r
            where r.rolname = w.name and pg_catalog.pg_has_role(r.oid, 'MEMBER')
        )
        order by w.name
    ) as missing
