-- What has each statement of this database cost so far? The square sum allows to tell how sure a mean is; a statement
-- without a number is one that this role may not see. The extension's schema is on the search path.
-- Locks: the extension's own, for a moment. Lowest version: 15.
select /* supabase-runbooks watch */ s.queryid::text as id,
       pg_catalog.sum(s.calls)::bigint as calls,
       pg_catalog.sum(s.total_exec_time)::float8 as milliseconds,
       pg_catalog.sum(s.calls * (s.stddev_exec_time ^ 2 + s.mean_exec_time ^ 2))::float8 as squares,
       pg_catalog.sum(s.rows)::bigint as rows
from pg_stat_statements(false) s
where s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
group by s.queryid
