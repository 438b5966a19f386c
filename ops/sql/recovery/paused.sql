-- Has recovery reached its target and paused there?
-- Locks: none. Lowest version: 15.
select pg_catalog.pg_is_in_recovery() and pg_catalog.pg_get_wal_replay_pause_state() = 'paused'
