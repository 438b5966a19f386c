-- Since when are statements counted, and how often were some forgotten to make room for others?
-- The extension's schema is on the search path. Locks: the extension's own, for a moment. Lowest version: 15.
select /* supabase-runbooks watch */ i.dealloc as forgotten, i.stats_reset from pg_stat_statements_info() i
