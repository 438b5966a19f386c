-- What will the API's roles in its schemas, everybody, and roles beside the platform's be given on what is made later?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    pg_catalog.pg_get_userbyid(d.defaclrole)::text as maker,
    coalesce(n.nspname::text, '') as schema,
    case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' else 'others' end as kind,
    case a.grantee when 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(a.grantee)::text end as grantee,
    array_agg(a.privilege_type::text order by a.privilege_type) as privileges
from pg_catalog.pg_default_acl as d
left join pg_catalog.pg_namespace as n on n.oid = d.defaclnamespace
cross join pg_catalog.aclexplode(d.defaclacl) as a
where
    d.defaclobjtype in ('r', 'S', 'f')
    and a.grantee <> d.defaclrole
    and case
        when a.grantee = 0 or pg_catalog.pg_get_userbyid(a.grantee) in ('anon', 'authenticated')
            then n.nspname is null or n.nspname = any(%(schemas)s::text[])
        else pg_catalog.pg_get_userbyid(a.grantee)::text <> all(%(platform)s::text[])
    end
    -- Everybody may execute functions unless that is revoked; only what was said beside that is told.
    and not (d.defaclobjtype = 'f' and a.grantee = 0 and n.nspname is null)
group by 1, 2, 3, 4
order by 1, 2, 3, 4
