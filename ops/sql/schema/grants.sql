-- Who may do what with these objects? One row per object (or column) and grantee.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
-- Privileges that are the default are said as if they were granted; of an object of an extension, or of the system, only
-- those that are not as it came.
with wanted as (
    select w.classid, w.objid
    from rows from (pg_catalog.unnest(%(classes)s::oid[]), pg_catalog.unnest(%(oids)s::oid[])) as w (classid, objid)
),
acls as (
    select w.classid, w.objid, 0 as sub, c.relowner as owner, n.nspname,
           coalesce(c.relacl, pg_catalog.acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)) as acl
    from wanted w
    join pg_catalog.pg_class c on c.oid = w.objid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where w.classid = 'pg_catalog.pg_class'::regclass and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select w.classid, w.objid, a.attnum, c.relowner, n.nspname, a.attacl
    from wanted w
    join pg_catalog.pg_class c on c.oid = w.objid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid
    where w.classid = 'pg_catalog.pg_class'::regclass and a.attacl is not null and not a.attisdropped
    union all
    select 'pg_catalog.pg_type'::regclass, t.oid, 0, t.typowner, n.nspname,
           coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
    from wanted w
    join pg_catalog.pg_type t
      on w.classid = 'pg_catalog.pg_type'::regclass and t.oid = w.objid and t.typrelid = 0
      or w.classid = 'pg_catalog.pg_class'::regclass and t.typrelid = w.objid
         and t.typtype = 'c' and (select c.relkind from pg_catalog.pg_class c where c.oid = w.objid) = 'c'
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    where t.typtype <> 'm' and not exists (select from pg_catalog.pg_type e where e.typarray = t.oid)
    union all
    select w.classid, w.objid, 0, p.proowner, n.nspname, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
    from wanted w
    join pg_catalog.pg_proc p on p.oid = w.objid
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where w.classid = 'pg_catalog.pg_proc'::regclass
    union all
    select w.classid, w.objid, 0, n.nspowner, n.nspname, coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))
    from wanted w
    join pg_catalog.pg_namespace n on n.oid = w.objid
    where w.classid = 'pg_catalog.pg_namespace'::regclass
    union all
    select w.classid, w.objid, 0, l.lanowner, 'pg_catalog', coalesce(l.lanacl, pg_catalog.acldefault('l', l.lanowner))
    from wanted w
    join pg_catalog.pg_language l on l.oid = w.objid
    where w.classid = 'pg_catalog.pg_language'::regclass
    union all
    select w.classid, w.objid, 0, f.fdwowner, '', coalesce(f.fdwacl, pg_catalog.acldefault('F', f.fdwowner))
    from wanted w
    join pg_catalog.pg_foreign_data_wrapper f on f.oid = w.objid
    where w.classid = 'pg_catalog.pg_foreign_data_wrapper'::regclass
    union all
    select w.classid, w.objid, 0, s.srvowner, '', coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner))
    from wanted w
    join pg_catalog.pg_foreign_server s on s.oid = w.objid
    where w.classid = 'pg_catalog.pg_foreign_server'::regclass
),
kept as (
    select a.*, i.initprivs, i.objoid is not null
                or a.nspname ~ '^pg_' or a.nspname = 'information_schema'
                or exists (select from pg_catalog.pg_depend e
                           where e.classid = a.classid and e.objid = a.objid and e.deptype = 'e') as came
    from acls a
    left join pg_catalog.pg_init_privs i on i.classoid = a.classid and i.objoid = a.objid and i.objsubid = a.sub
    where a.nspname not in ('runbooks', 'supabase_migrations') and a.nspname !~ '^pg_(toast|temp)'
),
said as (
    select k.classid, k.objid, k.sub, x.grantee, k.came,
           pg_catalog.string_agg(
               pg_catalog.concat_ws(' ', x.privilege_type,
                   case when x.is_grantable then 'with grant option' end,
                   case when x.grantor <> k.owner then 'by ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantor)) end),
               ', ' order by x.privilege_type, x.grantor) as privileges
    from kept k, pg_catalog.aclexplode(k.acl) x
    group by 1, 2, 3, 4, 5
),
initial as (
    select k.classid, k.objid, k.sub, x.grantee,
           pg_catalog.string_agg(
               pg_catalog.concat_ws(' ', x.privilege_type,
                   case when x.is_grantable then 'with grant option' end,
                   case when x.grantor <> k.owner then 'by ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantor)) end),
               ', ' order by x.privilege_type, x.grantor) as privileges
    from kept k,
         pg_catalog.aclexplode(coalesce(k.initprivs, case
             when k.sub <> 0 then null
             when k.classid = 'pg_catalog.pg_class'::regclass then (
                 select pg_catalog.acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", k.owner)
                 from pg_catalog.pg_class c where c.oid = k.objid)
             when k.classid = 'pg_catalog.pg_proc'::regclass then pg_catalog.acldefault('f', k.owner)
             when k.classid = 'pg_catalog.pg_type'::regclass then pg_catalog.acldefault('T', k.owner)
             when k.classid = 'pg_catalog.pg_namespace'::regclass then pg_catalog.acldefault('n', k.owner)
             when k.classid = 'pg_catalog.pg_language'::regclass then pg_catalog.acldefault('l', k.owner)
             when k.classid = 'pg_catalog.pg_foreign_data_wrapper'::regclass then pg_catalog.acldefault('F', k.owner)
             else pg_catalog.acldefault('S', k.owner) end)) x
    where k.came
    group by 1, 2, 3, 4
),
told as (
    select classid, objid, sub, grantee, privileges from said where not came
    union all
    select coalesce(s.classid, i.classid), coalesce(s.objid, i.objid), coalesce(s.sub, i.sub), coalesce(s.grantee, i.grantee),
           coalesce(s.privileges, 'nothing')
    from (select * from said where came) s
    full join initial i
      on i.classid = s.classid and i.objid = s.objid and i.sub = s.sub and i.grantee = s.grantee
    where s.privileges is distinct from i.privileges
)
select case when t.classid = 'pg_catalog.pg_type'::regclass then coalesce((
                select 'pg_catalog.pg_class'::regclass from pg_catalog.pg_type y where y.oid = t.objid and y.typrelid <> 0), t.classid)
            else t.classid end::oid::bigint,
       case when t.classid = 'pg_catalog.pg_type'::regclass then coalesce((
                select nullif(y.typrelid, 0) from pg_catalog.pg_type y where y.oid = t.objid), t.objid)
            else t.objid end::bigint,
       'grant' as kind,
       pg_catalog.format('%%s %%s to %%s', o.type, o.identity,
           case when t.grantee = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(t.grantee)) end) as identity,
       t.privileges as definition
from told t, pg_catalog.pg_identify_object(t.classid, t.objid, t.sub) o
