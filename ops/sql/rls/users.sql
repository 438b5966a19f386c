-- By which oid do foreign keys point to the users of the platform, and may this login become each of the API's roles?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    pg_catalog.to_regclass('auth.users')::pg_catalog.oid::bigint as users,
    array(
        select w.name from pg_catalog.unnest(%(roles)s::text[]) as w (name)
        where not exists (
            select from pg_catalog.pg_roles as r
            where r.rolname = w.name and pg_catalog.pg_has_role(r.oid, 'MEMBER')
        )
    ) as missing
