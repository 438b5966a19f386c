-- What do these statements say (all of them, where none is named), without the values they were called with?
-- The extension's schema is on the search path. Locks: the extension's own, for a moment. Lowest version: 15.
select /* supabase-runbooks watch */ s.queryid::text as id, pg_catalog.min(s.query) as text
from pg_stat_statements(true) s
where s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
  and s.queryid is not null
  and (%(ids)s::text[] is null or s.queryid::text = any (%(ids)s::text[]))
group by s.queryid
