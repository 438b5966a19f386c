-- How much WAL does each replication slot hold back, and is anybody reading it?
-- Locks: none. Lowest version: 15.
select
    s.slot_name as name,
    s.slot_type as kind,
    s.active,
    coalesce(s.wal_status, '') as status,
    coalesce(
        pg_catalog.pg_wal_lsn_diff(
            case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
                 else pg_catalog.pg_current_wal_lsn() end,
            s.restart_lsn), 0)::bigint as retained
from pg_catalog.pg_replication_slots s
where not s.temporary
order by 1
