-- Which indexes and extended statistics do these tables have?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select 'pg_catalog.pg_class'::regclass::oid::bigint, i.indrelid::bigint, 'index' as kind,
       pg_catalog.format('%%I.%%I', c.nspname, x.relname) as identity,
       pg_catalog.concat_ws(E'\n',
           pg_catalog.pg_get_indexdef(i.indexrelid),
           case when not i.indisvalid then 'invalid' end,
           case when i.indisclustered then 'clustered' end,
           case when i.indisreplident then 'replica identity' end,
           'tablespace ' || (select s.spcname from pg_catalog.pg_tablespace s where s.oid = x.reltablespace),
           'statistics ' || (
               select pg_catalog.string_agg(a.attnum || ' ' || a.attstattarget, ', ' order by a.attnum)
               from pg_catalog.pg_attribute a
               where a.attrelid = i.indexrelid and coalesce(a.attstattarget, -1) <> -1),
           'part of ' || (select h.inhparent::regclass::text from pg_catalog.pg_inherits h where h.inhrelid = i.indexrelid),
           'depends on extension ' || (
               select pg_catalog.string_agg(x.extname, ', ' order by x.extname)
               from pg_catalog.pg_depend d
               join pg_catalog.pg_extension x on x.oid = d.refobjid
               where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = i.indexrelid and d.deptype = 'x')
       ) as definition
from asked c
join pg_catalog.pg_index i on i.indrelid = c.oid
join pg_catalog.pg_class x on x.oid = i.indexrelid
where not c.of_extension
union all
select 'pg_catalog.pg_class'::regclass::oid::bigint, t.stxrelid::bigint, 'statistics',
       pg_catalog.format('%%I.%%I', n.nspname, t.stxname),
       pg_catalog.concat_ws(E'\n',
           pg_catalog.pg_get_statisticsobjdef(t.oid),
           'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(t.stxowner)),
           case when coalesce(t.stxstattarget, -1) <> -1 then 'statistics ' || t.stxstattarget end)
from asked c
join pg_catalog.pg_statistic_ext t on t.stxrelid = c.oid
join pg_catalog.pg_namespace n on n.oid = t.stxnamespace
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
