-- Who is a member of which role, with which options, and by whose grant?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15 (before 16 a grant has no options of its own but the admin's).
select
    u.rolname::text as member,
    g.rolname::text as group,
    m.admin_option as admin,
    coalesce((pg_catalog.to_jsonb(m) ->> 'inherit_option')::boolean, u.rolinherit) as inherit,
    coalesce((pg_catalog.to_jsonb(m) ->> 'set_option')::boolean, true) as may_become,
    pg_catalog.pg_get_userbyid(m.grantor)::text as grantor,
    pg_catalog.current_setting('server_version_num')::integer >= 160000 as of_grantor
from pg_catalog.pg_auth_members as m
join pg_catalog.pg_roles as g on g.oid = m.roleid
join pg_catalog.pg_roles as u on u.oid = m.member
order by 1, 2, m.grantor
