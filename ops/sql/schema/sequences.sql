-- What are these sequences, and whose column do they serve?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select 'pg_catalog.pg_class'::regclass::oid::bigint, c.oid::bigint, 'sequence' as kind,
       pg_catalog.format('%%I.%%I', r.nspname, c.relname) as identity,
       pg_catalog.concat_ws(E'\n',
           'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)),
           case c.relpersistence when 'u' then 'unlogged' end,
           pg_catalog.format('as %%s start %%s increment %%s minvalue %%s maxvalue %%s cache %%s',
               pg_catalog.format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache),
           case when s.seqcycle then 'cycle' end,
           (select pg_catalog.format('%%s %%s.%%I',
                       case d.deptype when 'i' then 'identity of' else 'owned by' end, d.refobjid::regclass, a.attname)
            from pg_catalog.pg_depend d
            join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
              and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i'))
       ) as definition
from asked r
join pg_catalog.pg_class c on c.oid = r.oid
join pg_catalog.pg_sequence s on s.seqrelid = c.oid
where not r.of_extension
