-- Which objects are described each on their own? (class and oid; what belongs to one, as a column does, is described with it)
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
-- An object of an extension, or of the system, counts where its privileges are no longer those it came with.
with mine as (
    select n.oid from pg_catalog.pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
),
came as (
    select n.oid from pg_catalog.pg_namespace n
    where n.nspname in ('pg_catalog', 'information_schema') or n.oid in (select oid from mine)
),
members as materialized (
    select e.classid, e.objid from pg_catalog.pg_depend e where e.deptype = 'e'
),
privileged as (
    select n.tableoid as classid, n.oid as objid, 0 as sub, n.nspacl as acl
    from pg_catalog.pg_namespace n where n.nspacl is not null and n.oid in (select oid from came)
    union all
    select c.tableoid, c.oid, 0, c.relacl
    from pg_catalog.pg_class c where c.relacl is not null and c.relnamespace in (select oid from came)
    union all
    select 'pg_catalog.pg_class'::regclass, a.attrelid, a.attnum, a.attacl
    from pg_catalog.pg_attribute a where a.attacl is not null
    union all
    select p.tableoid, p.oid, 0, p.proacl
    from pg_catalog.pg_proc p where p.proacl is not null and p.pronamespace in (select oid from came)
    union all
    select t.tableoid, t.oid, 0, t.typacl
    from pg_catalog.pg_type t where t.typacl is not null and t.typnamespace in (select oid from came)
),
relations as (
    select c.tableoid as classid, c.oid as objid from pg_catalog.pg_class c
    where c.relnamespace in (select oid from mine) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
    union all
    select p.tableoid, p.oid from pg_catalog.pg_proc p where p.pronamespace in (select oid from mine)
    union all
    select t.tableoid, t.oid from pg_catalog.pg_type t
    where t.typnamespace in (select oid from mine) and t.typrelid = 0 and t.typtype <> 'm'
      and not exists (select from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid)
    union all
    select tableoid, oid from pg_catalog.pg_operator where oprnamespace in (select oid from mine)
    union all
    select tableoid, oid from pg_catalog.pg_opclass where opcnamespace in (select oid from mine)
    union all
    select tableoid, oid from pg_catalog.pg_opfamily where opfnamespace in (select oid from mine)
    union all
    select tableoid, oid from pg_catalog.pg_collation where collnamespace in (select oid from mine)
    union all
    select tableoid, oid from pg_catalog.pg_conversion where connamespace in (select oid from mine)
    union all
    select tableoid, oid from pg_catalog.pg_ts_config where cfgnamespace in (select oid from mine)
    union all
    select tableoid, oid from pg_catalog.pg_ts_dict where dictnamespace in (select oid from mine)
    union all
    select tableoid, oid from pg_catalog.pg_ts_parser where prsnamespace in (select oid from mine)
    union all
    select tableoid, oid from pg_catalog.pg_ts_template where tmplnamespace in (select oid from mine)
    union all
    select tableoid, oid from pg_catalog.pg_cast where oid >= 16384
)
select r.classid::bigint, r.objid::bigint from relations r
where not exists (select from members m where m.classid = r.classid and m.objid = r.objid)
union
select p.classid, p.objid
from privileged p
left join pg_catalog.pg_init_privs i on i.classoid = p.classid and i.objoid = p.objid and i.objsubid = p.sub
where p.acl is distinct from i.initprivs
union
select 'pg_catalog.pg_namespace'::regclass, oid from mine
union
select tableoid, oid from pg_catalog.pg_language
union
select tableoid, oid from pg_catalog.pg_transform
union
select tableoid, oid from pg_catalog.pg_am where oid >= 16384
union
select tableoid, oid from pg_catalog.pg_foreign_data_wrapper
union
select tableoid, oid from pg_catalog.pg_foreign_server
union
select tableoid, oid from pg_catalog.pg_event_trigger
union
select tableoid, oid from pg_catalog.pg_default_acl
union
select tableoid, oid from pg_catalog.pg_extension
union
select tableoid, oid from pg_catalog.pg_publication
union
-- Not everybody may read this catalog's system columns.
select 'pg_catalog.pg_subscription'::regclass, s.oid from pg_catalog.pg_subscription s
where s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
