-- How far is each replica, or whoever else is sent WAL, behind, and when did it last answer?
-- Locks: none. Lowest version: 15.
select
    r.application_name as name,
    coalesce(host(r.client_addr), 'local') as address,
    r.state,
    -- Of what a receiver never reports the lag only grows.
    coalesce(
        case when r.replay_lsn is not null then r.replay_lag
             when r.flush_lsn is not null then r.flush_lag
             else r.write_lag end, interval '0') as lag,
    pg_catalog.pg_wal_lsn_diff(
        case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
             else pg_catalog.pg_current_wal_lsn() end,
        coalesce(r.replay_lsn, r.flush_lsn, r.write_lsn, r.sent_lsn))::bigint as behind,
    pg_catalog.clock_timestamp() - r.reply_time as silent,
    r.backend_start as since
from pg_catalog.pg_stat_replication r
where r.state <> 'backup'
order by 1, 2
