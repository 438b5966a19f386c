-- Which rights to write has whom been given on what, by whom: without the owners' own? `paused` are those of the roles
-- that are named, of the roles whose rights they have, and of everybody; `ours` may be taken away with the owner's rights,
-- `settable` as whoever has given them.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with recursive places as (
    select n.oid, n.nspname, n.nspowner, n.nspacl
    from pg_catalog.pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks')
),
named as (
    select r.oid from pg_catalog.pg_roles r where r.rolname = any (%(roles)s::text[])
),
paused as (
    select g.oid
    from pg_catalog.pg_roles g
    where g.rolname <> current_user and not g.rolsuper and g.rolname !~ '^pg_'
      and exists (select from named n where pg_catalog.pg_has_role(n.oid, g.oid, 'usage'))
    union all
    select 0::oid
),
given as (
    select case c.relkind when 'S' then 'sequence' else 'table' end as kind,
           format('%%I.%%I', p.nspname, c.relname) as name, null::text as part, c.relowner as owner, a.*
    from pg_catalog.pg_class c
    join places p on p.oid = c.relnamespace
    cross join lateral pg_catalog.aclexplode(c.relacl) a
    where c.relkind in ('r', 'p', 'v', 'f', 'S') and c.relpersistence <> 't'
      and a.privilege_type = any (case c.relkind when 'S' then array['USAGE', 'UPDATE']
                                  else array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] end)
    union all
    select 'table', format('%%I.%%I', p.nspname, c.relname), format('%%I', t.attname), c.relowner, a.*
    from pg_catalog.pg_attribute t
    join pg_catalog.pg_class c on c.oid = t.attrelid
    join places p on p.oid = c.relnamespace
    cross join lateral pg_catalog.aclexplode(t.attacl) a
    where c.relkind in ('r', 'p', 'v', 'f') and not t.attisdropped and a.privilege_type in ('INSERT', 'UPDATE')
    union all
    select case f.prokind when 'p' then 'procedure' else 'function' end,
           format('%%I.%%I(%%s)', p.nspname, f.proname, pg_catalog.pg_get_function_identity_arguments(f.oid)),
           null, f.proowner, a.*
    from pg_catalog.pg_proc f
    join places p on p.oid = f.pronamespace
    cross join lateral pg_catalog.aclexplode(coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))) a
    where %(functions)s::boolean and f.prosecdef and f.provolatile = 'v' and f.prokind in ('f', 'p')
      and f.prorettype not in ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype)
      -- Without these nobody could read any more.
      and not exists (
          select from pg_catalog.pg_depend d
          where d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid = f.oid
            and d.classid in ('pg_catalog.pg_policy'::regclass, 'pg_catalog.pg_rewrite'::regclass)
      )
    union all
    select 'schema', format('%%I', p.nspname), null, p.nspowner, a.*
    from places p
    cross join lateral pg_catalog.aclexplode(p.nspacl) a
    where a.privilege_type = 'CREATE'
    union all
    select 'database', format('%%I', b.datname), null, b.datdba, a.*
    from pg_catalog.pg_database b
    cross join lateral pg_catalog.aclexplode(b.datacl) a
    where b.datname = current_database() and a.privilege_type = 'CREATE'
)
select g.kind, g.name, g.part, g.privilege_type as privilege, g.is_grantable as grantable,
       case g.grantee when 0 then 'public' else format('%%I', e.rolname) end as grantee,
       format('%%I', o.rolname) as grantor,
       g.grantor = g.owner as by_owner,
       g.grantee in (select oid from paused) as paused,
       g.grantor = g.owner and pg_catalog.pg_has_role(g.owner, 'usage') as ours,
       pg_catalog.pg_has_role(
           g.grantor,
           case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end
       ) as settable
from given g
left join pg_catalog.pg_roles e on e.oid = g.grantee
join pg_catalog.pg_roles o on o.oid = g.grantor
where g.grantee <> g.owner
order by g.kind, g.name, g.part nulls first, grantee, privilege
