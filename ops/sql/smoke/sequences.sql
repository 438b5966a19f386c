-- Which sequences may this role advance, and whose are they?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
-- By its own oid each, since a plan may ask before the join for what is no sequence.
select n.nspname as schema, c.relname as name, pg_catalog.pg_has_role(c.relowner, 'usage') as owned,
       case when pg_catalog.has_sequence_privilege(s.seqrelid, 'usage, select') then pg_catalog.pg_sequence_last_value(s.seqrelid) end as last,
       s.seqincrement as step, s.seqmin as lowest, s.seqmax as highest, s.seqstart as start
from pg_catalog.pg_sequence s
join pg_catalog.pg_class c on c.oid = s.seqrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'runbooks')
  and c.relpersistence <> 't'
  and (pg_catalog.pg_has_role(c.relowner, 'usage') or pg_catalog.has_sequence_privilege(s.seqrelid, 'usage, update'))
order by 1, 2
