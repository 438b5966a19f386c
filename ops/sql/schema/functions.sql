-- What are these functions, procedures and aggregates?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select 'pg_catalog.pg_proc'::regclass::oid::bigint, p.oid::bigint,
       case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end as kind,
       p.oid::regprocedure::text as identity,
       pg_catalog.concat_ws(E'\n',
           case when p.prokind <> 'a' then pg_catalog.pg_get_functiondef(p.oid) end,
           (select pg_catalog.concat_ws(' ',
                'returns', pg_catalog.pg_get_function_result(p.oid), 'parallel', p.proparallel,
                'sfunc', a.aggtransfn::regprocedure, 'stype', pg_catalog.format_type(a.aggtranstype, null),
                'sspace', a.aggtransspace, 'initcond', pg_catalog.quote_nullable(a.agginitval),
                'finalfunc', a.aggfinalfn, a.aggfinalextra, a.aggfinalmodify,
                'combinefunc', a.aggcombinefn, 'serialfunc', a.aggserialfn, 'deserialfunc', a.aggdeserialfn,
                'msfunc', a.aggmtransfn, 'minvfunc', a.aggminvtransfn, 'mfinalfunc', a.aggmfinalfn, a.aggmfinalextra,
                a.aggmfinalmodify, 'mstype', pg_catalog.format_type(nullif(a.aggmtranstype, 0), null),
                'msspace', a.aggmtransspace, 'minitcond', pg_catalog.quote_nullable(a.aggminitval),
                'sortop', a.aggsortop::regoperator, 'kind', a.aggkind, a.aggnumdirectargs)
            from pg_catalog.pg_aggregate a where a.aggfnoid = p.oid),
           'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner)),
           'depends on extension ' || (
               select pg_catalog.string_agg(x.extname, ', ' order by x.extname)
               from pg_catalog.pg_depend d
               join pg_catalog.pg_extension x on x.oid = d.refobjid
               where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'x')
       ) as definition
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where p.oid = any (%(oids)s::oid[])
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
  and not exists (
      select from pg_catalog.pg_depend e
      where e.classid = 'pg_catalog.pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
