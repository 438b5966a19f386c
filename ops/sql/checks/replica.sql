-- If this server is a replica: for how long has it replayed nothing, though it has received more?
-- Locks: none. Lowest version: 15.
select
    pg_catalog.pg_is_in_recovery() as replica,
    case
        when pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() then interval '0'
        else pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()
    end as lag
