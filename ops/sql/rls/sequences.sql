-- Which sequences may this login look at?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select s.seqrelid::bigint
from pg_catalog.pg_sequence as s
join pg_catalog.pg_class as c on c.oid = s.seqrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where
    n.nspname !~ '^pg_'
    and n.nspname not in ('information_schema', 'runbooks')
    and c.relpersistence <> 't'
    and pg_catalog.has_sequence_privilege(s.seqrelid, 'usage, select')
order by 1
