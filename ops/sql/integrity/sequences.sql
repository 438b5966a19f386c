-- Which sequences number the rows of the app's tables: identities, serials and plain defaults of nextval()? Left out are
-- columns whose default makes something else of the number.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
with used as (
    select d.objid as sequence, d.refobjid as relation, d.refobjsubid as attnum
    from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.deptype in ('a', 'i') and d.refobjsubid > 0
    union
    select d.refobjid, f.adrelid, f.adnum
    from pg_catalog.pg_depend d
    join pg_catalog.pg_attrdef f on f.oid = d.objid
    where d.classid = 'pg_catalog.pg_attrdef'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
)
select n.nspname::text as schema,
       c.relname::text as name,
       u.relation::bigint as table_oid,
       a.attname::text as column,
       s.seqincrement as step,
       s.seqmin as lowest,
       s.seqmax as highest,
       s.seqcycle as cycles,
       s.seqcache as cached,
       exists (
           select from pg_catalog.pg_index i
           where i.indrelid = u.relation and i.indisunique and i.indnkeyatts = 1 and i.indkey[0] = u.attnum
             and i.indpred is null
       ) as alone_unique
from used u
join pg_catalog.pg_sequence s on s.seqrelid = u.sequence
join pg_catalog.pg_class c on c.oid = s.seqrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = u.relation and a.attnum = u.attnum
left join pg_catalog.pg_attrdef f on f.adrelid = u.relation and f.adnum = u.attnum
where u.relation = any (%(oids)s::oid[])
  and (f.oid is null
       -- nextval() itself or a cast of it, as the server keeps it: pg_get_expr() waits for whoever has the table locked.
       or f.adbin::text ~ pg_catalog.format(
           '^(\{COERCETODOMAIN :arg )?'
           '\{FUNCEXPR (:funcid \d+ :funcresulttype \d+ :funcretset false :funcvariadic false :funcformat [12] '
           ':funccollid 0 :inputcollid 0 :args \(\{FUNCEXPR )?:funcid %%s ',
           'pg_catalog.nextval(regclass)'::regprocedure::oid))
order by n.nspname, c.relname, u.relation::regclass::text, a.attnum
