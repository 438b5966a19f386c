-- What are these schemas, extensions, publications, event triggers, default privileges, servers, languages and casts?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with wanted as (
    select w.classid, w.objid
    from rows from (pg_catalog.unnest(%(classes)s::oid[]), pg_catalog.unnest(%(oids)s::oid[])) as w (classid, objid)
    where not exists (
        select from pg_catalog.pg_depend e where e.classid = w.classid and e.objid = w.objid and e.deptype = 'e')
)
select w.classid::bigint, w.objid::bigint, 'schema' as kind, pg_catalog.quote_ident(n.nspname) as identity,
       'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(n.nspowner)) as definition
from wanted w
join pg_catalog.pg_namespace n on n.tableoid = w.classid and n.oid = w.objid
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
union all
select w.classid, w.objid, 'extension', pg_catalog.quote_ident(x.extname),
       pg_catalog.format('version %%s in %%I', x.extversion, n.nspname)
from wanted w
join pg_catalog.pg_extension x on x.tableoid = w.classid and x.oid = w.objid
join pg_catalog.pg_namespace n on n.oid = x.extnamespace
union all
select w.classid, w.objid, 'publication', pg_catalog.quote_ident(p.pubname),
       'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.pubowner)) || E'\n'
       || (pg_catalog.to_jsonb(p) - '{oid,pubname,pubowner}'::text[])::text
from wanted w
join pg_catalog.pg_publication p on p.tableoid = w.classid and p.oid = w.objid
union all
select w.classid, w.objid, 'publication table', pg_catalog.format('%%I: %%s', p.pubname, r.prrelid::regclass),
       pg_catalog.concat_ws(' ', 'published',
           'columns ' || (
               select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
               from pg_catalog.pg_attribute a where a.attrelid = r.prrelid and a.attnum = any (r.prattrs)),
           'where ' || pg_catalog.pg_get_expr(r.prqual, r.prrelid))
from wanted w
join pg_catalog.pg_publication p on p.tableoid = w.classid and p.oid = w.objid
join pg_catalog.pg_publication_rel r on r.prpubid = p.oid
union all
select w.classid, w.objid, 'publication schema', pg_catalog.format('%%I: %%I', p.pubname, n.nspname), 'published'
from wanted w
join pg_catalog.pg_publication p on p.tableoid = w.classid and p.oid = w.objid
join pg_catalog.pg_publication_namespace s on s.pnpubid = p.oid
join pg_catalog.pg_namespace n on n.oid = s.pnnspid
union all
select w.classid, w.objid, 'event trigger', pg_catalog.quote_ident(t.evtname),
       pg_catalog.concat_ws(' ', 'on', t.evtevent, 'execute', t.evtfoid::regprocedure, 'enabled', t.evtenabled,
           'tags ' || pg_catalog.array_to_string(t.evttags, ', '),
           'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(t.evtowner)))
from wanted w
join pg_catalog.pg_event_trigger t on t.tableoid = w.classid and t.oid = w.objid
union all
-- In a schema they are added to the general ones; the general ones are said where they are not the server's own.
select w.classid, w.objid, 'default privileges',
       pg_catalog.format('%%s of %%I%%s to %%s',
           case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
                when 'T' then 'types' when 'n' then 'schemas' when 'L' then 'large objects' else d.defaclobjtype::text end,
           pg_catalog.pg_get_userbyid(d.defaclrole), ' in ' || pg_catalog.quote_ident(n.nspname),
           case when g.grantee = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end),
       coalesce(g.privileges, 'nothing')
from wanted w
join pg_catalog.pg_default_acl d on d.tableoid = w.classid and d.oid = w.objid
left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
cross join lateral (
    select coalesce(now.grantee, usual.grantee) as grantee, now.privileges
    from (
        select x.grantee, pg_catalog.string_agg(
                   x.privilege_type || case when x.is_grantable then ' with grant option' else '' end,
                   ', ' order by x.privilege_type) as privileges
        from pg_catalog.aclexplode(d.defaclacl) x group by x.grantee
    ) now
    full join (
        select x.grantee, pg_catalog.string_agg(
                   x.privilege_type || case when x.is_grantable then ' with grant option' else '' end,
                   ', ' order by x.privilege_type) as privileges
        from pg_catalog.aclexplode(case when d.defaclnamespace = 0 then pg_catalog.acldefault(
            case d.defaclobjtype when 'S' then 's' else d.defaclobjtype end, d.defaclrole) end) x group by x.grantee
    ) usual on usual.grantee = now.grantee
    where now.privileges is distinct from usual.privileges
) g
union all
select w.classid, w.objid, 'foreign data wrapper', pg_catalog.quote_ident(f.fdwname),
       pg_catalog.concat_ws(' ', 'owner', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(f.fdwowner)),
           'handler ' || nullif(f.fdwhandler, 0)::regprocedure, 'validator ' || nullif(f.fdwvalidator, 0)::regprocedure,
           -- Options may hold a password: only whether they are the same is said.
           'options ' || pg_catalog.md5(%(salt)s::text || pg_catalog.array_to_string(f.fdwoptions, ', ')))
from wanted w
join pg_catalog.pg_foreign_data_wrapper f on f.tableoid = w.classid and f.oid = w.objid
union all
select w.classid, w.objid, 'server', pg_catalog.quote_ident(s.srvname),
       pg_catalog.concat_ws(' ', 'wrapper', pg_catalog.quote_ident(f.fdwname),
           'owner', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.srvowner)),
           'type ' || s.srvtype, 'version ' || s.srvversion,
           'options ' || pg_catalog.md5(%(salt)s::text || pg_catalog.array_to_string(s.srvoptions, ', ')))
from wanted w
join pg_catalog.pg_foreign_server s on s.tableoid = w.classid and s.oid = w.objid
join pg_catalog.pg_foreign_data_wrapper f on f.oid = s.srvfdw
union all
select w.classid, w.objid, 'language', pg_catalog.quote_ident(l.lanname),
       pg_catalog.concat_ws(' ', 'owner', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(l.lanowner)),
           l.lanpltrusted, 'handler ' || nullif(l.lanplcallfoid, 0)::regprocedure,
           'inline ' || nullif(l.laninline, 0)::regprocedure, 'validator ' || nullif(l.lanvalidator, 0)::regprocedure)
from wanted w
join pg_catalog.pg_language l on l.tableoid = w.classid and l.oid = w.objid
where l.oid >= 16384
union all
select w.classid, w.objid, 'access method', pg_catalog.quote_ident(a.amname),
       pg_catalog.concat_ws(' ', a.amtype, a.amhandler::regprocedure)
from wanted w
join pg_catalog.pg_am a on a.tableoid = w.classid and a.oid = w.objid
where a.oid >= 16384
union all
select w.classid, w.objid, 'cast',
       pg_catalog.format('%%s as %%s', pg_catalog.format_type(c.castsource, null), pg_catalog.format_type(c.casttarget, null)),
       pg_catalog.concat_ws(' ', c.castcontext, c.castmethod, 'with ' || nullif(c.castfunc, 0)::regprocedure)
from wanted w
join pg_catalog.pg_cast c on c.tableoid = w.classid and c.oid = w.objid
where c.oid >= 16384
union all
select w.classid, w.objid, 'transform',
       pg_catalog.format('%%s for %%I', pg_catalog.format_type(t.trftype, null), l.lanname),
       pg_catalog.format('from %%s to %%s', t.trffromsql, t.trftosql)
from wanted w
join pg_catalog.pg_transform t on t.tableoid = w.classid and t.oid = w.objid
join pg_catalog.pg_language l on l.oid = t.trflang
