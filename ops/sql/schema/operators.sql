-- What are these operators, operator classes and families, collations, conversions and text search objects?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with wanted as (
    select w.classid, w.objid
    from rows from (pg_catalog.unnest(%(classes)s::oid[]), pg_catalog.unnest(%(oids)s::oid[])) as w (classid, objid)
    where not exists (
        select from pg_catalog.pg_depend e where e.classid = w.classid and e.objid = w.objid and e.deptype = 'e')
),
described as (
    select w.classid, w.objid, o.oprowner as owner, pg_catalog.concat_ws(' ',
               'function', o.oprcode::regprocedure, 'commutator', nullif(o.oprcom, 0)::regoperator,
               'negator', nullif(o.oprnegate, 0)::regoperator, 'restrict', o.oprrest, 'join', o.oprjoin,
               'hashes', o.oprcanhash, 'merges', o.oprcanmerge) as definition
    from wanted w
    join pg_catalog.pg_operator o on o.tableoid = w.classid and o.oid = w.objid
    union all
    select w.classid, w.objid, o.opcowner, pg_catalog.concat_ws(' ',
               'family', f.opfname, 'for', pg_catalog.format_type(o.opcintype, null), 'default', o.opcdefault,
               'storage ' || pg_catalog.format_type(nullif(o.opckeytype, 0), null))
    from wanted w
    join pg_catalog.pg_opclass o on o.tableoid = w.classid and o.oid = w.objid
    join pg_catalog.pg_opfamily f on f.oid = o.opcfamily
    union all
    select w.classid, w.objid, o.opfowner, pg_catalog.concat_ws(E'\n',
               (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', 'operator', m.amopstrategy, m.amopopr::regoperator, m.amoppurpose,
                           'order by ' || (select s.opfname from pg_catalog.pg_opfamily s where s.oid = m.amopsortfamily)), E'\n'
                           order by m.amopstrategy, m.amopopr::regoperator::text)
                from pg_catalog.pg_amop m where m.amopfamily = o.oid),
               (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', 'function', r.amprocnum, r.amproc::regprocedure,
                           pg_catalog.format_type(r.amproclefttype, null), pg_catalog.format_type(r.amprocrighttype, null)), E'\n'
                           order by r.amprocnum, r.amproc::regprocedure::text)
                from pg_catalog.pg_amproc r where r.amprocfamily = o.oid))
    from wanted w
    join pg_catalog.pg_opfamily o on o.tableoid = w.classid and o.oid = w.objid
    union all
    select w.classid, w.objid, l.collowner, (pg_catalog.to_jsonb(l) - '{oid,collname,collnamespace,collowner,collversion}'::text[])::text
    from wanted w
    join pg_catalog.pg_collation l on l.tableoid = w.classid and l.oid = w.objid
    union all
    select w.classid, w.objid, k.conowner, pg_catalog.concat_ws(' ', k.conforencoding, k.contoencoding, k.conproc, k.condefault)
    from wanted w
    join pg_catalog.pg_conversion k on k.tableoid = w.classid and k.oid = w.objid
    union all
    select w.classid, w.objid, c.cfgowner, pg_catalog.concat_ws(E'\n',
               'parser ' || (select p.prsname from pg_catalog.pg_ts_parser p where p.oid = c.cfgparser),
               (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', m.maptokentype, m.mapseqno, m.mapdict::regdictionary), E'\n'
                           order by m.maptokentype, m.mapseqno)
                from pg_catalog.pg_ts_config_map m where m.mapcfg = c.oid))
    from wanted w
    join pg_catalog.pg_ts_config c on c.tableoid = w.classid and c.oid = w.objid
    union all
    select w.classid, w.objid, d.dictowner, pg_catalog.concat_ws(' ', 'template', t.tmplname, d.dictinitoption)
    from wanted w
    join pg_catalog.pg_ts_dict d on d.tableoid = w.classid and d.oid = w.objid
    join pg_catalog.pg_ts_template t on t.oid = d.dicttemplate
    union all
    select w.classid, w.objid, null, pg_catalog.concat_ws(' ', p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)
    from wanted w
    join pg_catalog.pg_ts_parser p on p.tableoid = w.classid and p.oid = w.objid
    union all
    select w.classid, w.objid, null, pg_catalog.concat_ws(' ', t.tmplinit, t.tmpllexize)
    from wanted w
    join pg_catalog.pg_ts_template t on t.tableoid = w.classid and t.oid = w.objid
)
select d.classid::bigint, d.objid::bigint, o.type as kind, o.identity,
       pg_catalog.concat_ws(E'\n', 'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.owner)), d.definition) as definition
from described d, pg_catalog.pg_identify_object(d.classid, d.objid, 0) o
where coalesce(o.schema, '') !~ '^pg_' and coalesce(o.schema, '') not in ('information_schema', 'runbooks', 'supabase_migrations')
