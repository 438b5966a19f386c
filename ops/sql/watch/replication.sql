-- How far is each replica behind, in seconds? A role that may not know gets null.
-- Locks: none. Lowest version: 15.
select /* supabase-runbooks watch */ coalesce(r.application_name, '') as name, pg_catalog.date_part('epoch', r.replay_lag)::float8 as lag
from pg_catalog.pg_stat_replication r
order by r.application_name
