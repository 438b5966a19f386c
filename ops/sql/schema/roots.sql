-- Which objects are described each on their own? (class and oid; what belongs to one, as a column does, is described with it)
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with mine as (
    select n.oid from pg_catalog.pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
)
select 'pg_catalog.pg_namespace'::regclass::oid::bigint, oid::bigint from mine
union all
select 'pg_catalog.pg_class'::regclass::oid, c.oid from pg_catalog.pg_class c
where c.relnamespace in (select oid from mine) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
union all
select 'pg_catalog.pg_proc'::regclass::oid, p.oid from pg_catalog.pg_proc p
where p.pronamespace in (select oid from mine)
union all
select 'pg_catalog.pg_type'::regclass::oid, t.oid from pg_catalog.pg_type t
where t.typnamespace in (select oid from mine) and t.typrelid = 0 and t.typtype <> 'm'
  and not exists (select from pg_catalog.pg_type e where e.typarray = t.oid)
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
union all
select tableoid, oid from pg_catalog.pg_language
union all
select tableoid, oid from pg_catalog.pg_transform
union all
select tableoid, oid from pg_catalog.pg_am where oid >= 16384
union all
select tableoid, oid from pg_catalog.pg_foreign_data_wrapper
union all
select tableoid, oid from pg_catalog.pg_foreign_server
union all
select tableoid, oid from pg_catalog.pg_event_trigger
union all
select tableoid, oid from pg_catalog.pg_default_acl
union all
select tableoid, oid from pg_catalog.pg_extension
union all
select tableoid, oid from pg_catalog.pg_publication
union all
-- An object of an extension, or of the system, counts where its privileges are no longer those it came with.
select classoid, objoid from pg_catalog.pg_init_privs where classoid in (
    'pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_namespace'::regclass)
