-- Who may do what with these objects? One row per object (or column) and grantee.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
-- Privileges that are the default are said as if they were granted; of an object of an extension, or of the system, only
-- those that are not as it came.
with wanted as materialized (
    select w.classid, w.objid
    from rows from (pg_catalog.unnest(%(classes)s::oid[]), pg_catalog.unnest(%(oids)s::oid[])) as w (classid, objid)
),
acls as (
    select w.classid as rootclass, w.objid as rootid, w.classid, w.objid, 0 as sub, c.relowner as owner, c.relnamespace as schema,
           c.relacl as acl, pg_catalog.acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner) as usual
    from wanted w
    join pg_catalog.pg_class c on c.oid = w.objid
    where w.classid = 'pg_catalog.pg_class'::regclass and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select w.classid, w.objid, w.classid, w.objid, a.attnum, c.relowner, c.relnamespace, a.attacl, null
    from wanted w
    join pg_catalog.pg_class c on c.oid = w.objid
    join pg_catalog.pg_attribute a on a.attrelid = c.oid
    where w.classid = 'pg_catalog.pg_class'::regclass and a.attacl is not null and not a.attisdropped
    union all
    select w.classid, w.objid, t.tableoid, t.oid, 0, t.typowner, t.typnamespace, t.typacl, pg_catalog.acldefault('T', t.typowner)
    from wanted w
    join pg_catalog.pg_class c on c.oid = w.objid and c.relkind = 'c'
    join pg_catalog.pg_type t on t.oid = c.reltype
    where w.classid = 'pg_catalog.pg_class'::regclass
    union all
    select w.classid, w.objid, w.classid, w.objid, 0, t.typowner, t.typnamespace, t.typacl, pg_catalog.acldefault('T', t.typowner)
    from wanted w
    join pg_catalog.pg_type t on t.oid = w.objid
    where w.classid = 'pg_catalog.pg_type'::regclass and t.typrelid = 0 and t.typtype <> 'm'
      and not exists (select from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid)
    union all
    select w.classid, w.objid, w.classid, w.objid, 0, p.proowner, p.pronamespace, p.proacl, pg_catalog.acldefault('f', p.proowner)
    from wanted w
    join pg_catalog.pg_proc p on p.oid = w.objid
    where w.classid = 'pg_catalog.pg_proc'::regclass
    union all
    select w.classid, w.objid, w.classid, w.objid, 0, n.nspowner, n.oid, n.nspacl, pg_catalog.acldefault('n', n.nspowner)
    from wanted w
    join pg_catalog.pg_namespace n on n.oid = w.objid
    where w.classid = 'pg_catalog.pg_namespace'::regclass
    union all
    select w.classid, w.objid, w.classid, w.objid, 0, l.lanowner, 'pg_catalog'::regnamespace, l.lanacl,
           pg_catalog.acldefault('l', l.lanowner)
    from wanted w
    join pg_catalog.pg_language l on l.oid = w.objid
    where w.classid = 'pg_catalog.pg_language'::regclass
    union all
    select w.classid, w.objid, w.classid, w.objid, 0, f.fdwowner, null, f.fdwacl, pg_catalog.acldefault('F', f.fdwowner)
    from wanted w
    join pg_catalog.pg_foreign_data_wrapper f on f.oid = w.objid
    where w.classid = 'pg_catalog.pg_foreign_data_wrapper'::regclass
    union all
    select w.classid, w.objid, w.classid, w.objid, 0, s.srvowner, null, s.srvacl, pg_catalog.acldefault('S', s.srvowner)
    from wanted w
    join pg_catalog.pg_foreign_server s on s.oid = w.objid
    where w.classid = 'pg_catalog.pg_foreign_server'::regclass
),
kept as (
    select a.*, coalesce(i.initprivs, a.usual) as initial,
           n.nspname ~ '^pg_' or n.nspname = 'information_schema' or i.objoid is not null
           -- Not EXISTS, which is planned as a scan of all that depends on anything.
           or (select pg_catalog.count(*) from pg_catalog.pg_depend e
               where e.classid = a.classid and e.objid = a.objid and e.deptype = 'e') > 0 as came
    from acls a
    left join pg_catalog.pg_namespace n on n.oid = a.schema
    left join pg_catalog.pg_init_privs i on i.classoid = a.classid and i.objoid = a.objid and i.objsubid = a.sub
    where coalesce(n.nspname, '') not in ('runbooks', 'supabase_migrations')
      and coalesce(n.nspname, '') !~ '^pg_(toast|temp)'
)
select k.rootclass::bigint, k.rootid::bigint, 'grant' as kind,
       pg_catalog.format('%%s %%s to %%s', o.type,
           case when k.classid = 'pg_catalog.pg_proc'::regclass then k.objid::regprocedure::text else o.identity end,
           case when g.grantee = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end) as identity,
       g.privileges as definition
from kept k
cross join lateral (
    select coalesce(now.grantee, first.grantee) as grantee, coalesce(now.privileges, 'nothing') as privileges
    from (
        select x.grantee, pg_catalog.string_agg(
                   pg_catalog.concat_ws(' ', x.privilege_type,
                       case when x.is_grantable then 'with grant option' end,
                       case when x.grantor <> k.owner
                            then 'by ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantor)) end),
                   ', ' order by x.privilege_type, pg_catalog.pg_get_userbyid(x.grantor)::text) as privileges
        from pg_catalog.aclexplode(coalesce(k.acl, k.usual)) x group by x.grantee
    ) now
    full join (
        select x.grantee, pg_catalog.string_agg(
                   pg_catalog.concat_ws(' ', x.privilege_type,
                       case when x.is_grantable then 'with grant option' end,
                       case when x.grantor <> k.owner
                            then 'by ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantor)) end),
                   ', ' order by x.privilege_type, pg_catalog.pg_get_userbyid(x.grantor)::text) as privileges
        from pg_catalog.aclexplode(case when k.came then k.initial end) x group by x.grantee
    ) first on first.grantee = now.grantee
    where not k.came or now.privileges is distinct from first.privileges
) g
cross join lateral pg_catalog.pg_identify_object(k.classid, k.objid, k.sub) o
