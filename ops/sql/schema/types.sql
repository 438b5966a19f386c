-- What are these enums, domains, ranges and base types?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select 'pg_catalog.pg_type'::regclass::oid::bigint, t.oid::bigint,
       case t.typtype when 'd' then 'domain' else 'type' end as kind,
       pg_catalog.format('%%I.%%I', n.nspname, t.typname) as identity,
       pg_catalog.concat_ws(E'\n',
           'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(t.typowner)),
           case t.typtype
               when 'e' then 'enum (' || coalesce((
                   select pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                   from pg_catalog.pg_enum e where e.enumtypid = t.oid), '') || ')'
               when 'd' then pg_catalog.concat_ws(' ',
                   pg_catalog.format_type(t.typbasetype, t.typtypmod),
                   'collate ' || (
                       select pg_catalog.format('%%I.%%I', s.nspname, l.collname)
                       from pg_catalog.pg_collation l
                       join pg_catalog.pg_namespace s on s.oid = l.collnamespace
                       join pg_catalog.pg_type b on b.oid = t.typbasetype
                       where l.oid = t.typcollation and l.oid <> b.typcollation),
                   case when t.typnotnull then 'not null' end,
                   'default ' || coalesce(pg_catalog.pg_get_expr(t.typdefaultbin, 0), pg_catalog.quote_literal(t.typdefault)))
               when 'r' then (
                   select pg_catalog.concat_ws(' ', 'range of', pg_catalog.format_type(r.rngsubtype, null),
                       'multirange', pg_catalog.format_type(r.rngmultitypid, null),
                       'collation', nullif(r.rngcollation, 0)::regcollation,
                       'opclass', (
                           select pg_catalog.format('%%I.%%I', s.nspname, o.opcname)
                           from pg_catalog.pg_opclass o join pg_catalog.pg_namespace s on s.oid = o.opcnamespace
                           where o.oid = r.rngsubopc),
                       'canonical', r.rngcanonical, 'subdiff', r.rngsubdiff)
                   from pg_catalog.pg_range r where r.rngtypid = t.oid)
               when 'b' then pg_catalog.concat_ws(' ',
                   'base', t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze,
                   t.typsubscript, t.typlen, t.typbyval, t.typcategory, t.typispreferred, t.typdelim, t.typalign,
                   t.typstorage, pg_catalog.format_type(nullif(t.typelem, 0), null), t.typcollation <> 0,
                   'default ' || t.typdefault)
               when 'p' then 'shell'
           end
       ) as definition
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where t.oid = any (%(oids)s::oid[])
  and t.typrelid = 0 and t.typtype <> 'm'
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
  and not exists (select from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid)
  and not exists (
      select from pg_catalog.pg_depend e
      where e.classid = 'pg_catalog.pg_type'::regclass and e.objid = t.oid and e.deptype = 'e')
union all
select 'pg_catalog.pg_type'::regclass::oid::bigint, t.oid::bigint, 'constraint',
       pg_catalog.format('%%I.%%I.%%I', n.nspname, t.typname, k.conname),
       pg_catalog.pg_get_constraintdef(k.oid)
from pg_catalog.pg_constraint k
join pg_catalog.pg_type t on t.oid = k.contypid
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where k.contypid = any (%(oids)s::oid[])
  and not (k.contype = 'n' and k.conname = t.typname || '_not_null')
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks', 'supabase_migrations')
  and not exists (
      select from pg_catalog.pg_depend e
      where e.classid = 'pg_catalog.pg_type'::regclass and e.objid = t.oid and e.deptype = 'e')
