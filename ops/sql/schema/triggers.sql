-- Which triggers, rules and policies do these relations have?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select 'pg_catalog.pg_class'::regclass::oid::bigint, c.oid::bigint, 'trigger' as kind,
       pg_catalog.format('%%I.%%I.%%I', c.nspname, c.relname, t.tgname) as identity,
       pg_catalog.concat_ws(E'\n',
           pg_catalog.pg_get_triggerdef(t.oid),
           case t.tgenabled when 'D' then 'disabled' when 'R' then 'enabled on replicas' when 'A' then 'always enabled' end,
           case when t.tgparentid <> 0 then 'inherited' end,
           'depends on extension ' || (
               select pg_catalog.string_agg(x.extname, ', ' order by x.extname)
               from pg_catalog.pg_depend d
               join pg_catalog.pg_extension x on x.oid = d.refobjid
               where d.classid = 'pg_catalog.pg_trigger'::regclass and d.objid = t.oid and d.deptype = 'x')
       ) as definition
from asked c
join pg_catalog.pg_trigger t on t.tgrelid = c.oid
where not t.tgisinternal
  and not c.of_extension
union all
select 'pg_catalog.pg_class'::regclass::oid::bigint, c.oid::bigint, 'rule',
       pg_catalog.format('%%I.%%I.%%I', c.nspname, c.relname, r.rulename),
       pg_catalog.concat_ws(E'\n', pg_catalog.pg_get_ruledef(r.oid), nullif(r.ev_enabled, 'O'))
from asked c
join pg_catalog.pg_rewrite r on r.ev_class = c.oid
where r.rulename <> '_RETURN'
  and not c.of_extension
union all
select 'pg_catalog.pg_class'::regclass::oid::bigint, c.oid::bigint, 'policy',
       pg_catalog.format('%%I.%%I.%%I', c.nspname, c.relname, p.polname),
       pg_catalog.concat_ws(E'\n',
           'as ' || case when p.polpermissive then 'permissive' else 'restrictive' end
           || ' for ' || case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                              when 'd' then 'delete' else 'all' end
           || ' to ' || (
               select pg_catalog.string_agg(
                          case when m = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(m)) end,
                          ', ' order by case when m = 0 then '' else pg_catalog.pg_get_userbyid(m)::text end)
               from pg_catalog.unnest(p.polroles) m),
           'using (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')',
           'with check (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')')
from asked c
join pg_catalog.pg_policy p on p.polrelid = c.oid
