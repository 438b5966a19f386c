-- What are these tables, views, foreign tables and composite types, apart from their parts?
-- Locks: ACCESS SHARE on catalogs and on the views. Lowest version: 15.
select 'pg_catalog.pg_class'::regclass::oid::bigint, c.oid::bigint,
       case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
            when 'c' then 'type' else 'table' end as kind,
       pg_catalog.format('%%I.%%I', r.nspname, c.relname) as identity,
       pg_catalog.concat_ws(E'\n',
           'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)),
           case c.relpersistence when 'u' then 'unlogged' when 't' then 'temporary' end,
           case when c.reloftype <> 0 then 'of ' || pg_catalog.format_type(c.reloftype, null) end,
           'inherits ' || (
               select pg_catalog.string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno)
               from pg_catalog.pg_inherits i where i.inhrelid = c.oid),
           'partition by ' || case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end,
           pg_catalog.pg_get_expr(c.relpartbound, c.oid),
           'detach pending' || (
               select '' from pg_catalog.pg_inherits i where i.inhrelid = c.oid and i.inhdetachpending),
           'using ' || (select a.amname from pg_catalog.pg_am a where a.oid = c.relam and c.relkind in ('r', 'p', 'm')),
           'tablespace ' || (select s.spcname from pg_catalog.pg_tablespace s where s.oid = c.reltablespace),
           'with ' || (select pg_catalog.string_agg(o, ', ' order by o) from pg_catalog.unnest(c.reloptions) o),
           'toast with ' || (
               select pg_catalog.string_agg(o, ', ' order by o)
               from pg_catalog.pg_class t, pg_catalog.unnest(t.reloptions) o
               where t.oid = c.reltoastrelid),
           case when c.relkind in ('r', 'p', 'm') and c.relreplident <> 'd' then 'replica identity ' || c.relreplident::text end,
           case when c.relrowsecurity then 'row level security' end,
           case when c.relforcerowsecurity then 'force row level security' end,
           (select 'server ' || pg_catalog.quote_ident(s.srvname)
                   || coalesce(' options ' || pg_catalog.array_to_string(f.ftoptions, ', '), '')
            from pg_catalog.pg_foreign_table f
            join pg_catalog.pg_foreign_server s on s.oid = f.ftserver
            where f.ftrelid = c.oid),
           case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end,
           case when c.relkind = 'm' and not c.relispopulated then 'not populated' end,
           'depends on extension ' || (
               select pg_catalog.string_agg(x.extname, ', ' order by x.extname)
               from pg_catalog.pg_depend d
               join pg_catalog.pg_extension x on x.oid = d.refobjid
               where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'x')
       ) as definition
from asked r
join pg_catalog.pg_class c on c.oid = r.oid
where r.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
  and not r.of_extension
