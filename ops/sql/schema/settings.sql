-- How are the questions about the schema asked? (with no search path, so that names are qualified; planned once)
-- Locks: none. Lowest version: 15.
select pg_catalog.set_config('search_path', '', %(local)s),
       pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', %(local)s),
       pg_catalog.set_config('jit', 'off', %(local)s)
