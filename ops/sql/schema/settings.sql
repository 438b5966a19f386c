-- How are the questions about the schema asked, and what were the settings before? (with no search path, so that names are
-- qualified; planned once, along indexes, since the catalogs' statistics are as old as the schema is new; not behind
-- somebody's lock for ever)
-- Locks: none. Lowest version: 15.
select s.name, pg_catalog.current_setting(s.name) as before, pg_catalog.set_config(s.name, s.value, %(local)s) as now
from (values ('search_path', ''), ('plan_cache_mode', 'force_generic_plan'), ('jit', 'off'), ('enable_seqscan', 'off'),
             ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('enable_material', 'off'),
             ('lock_timeout', %(lock_timeout)s::text)) as s (name, value)
