-- How far is each replica, or whoever else is sent WAL, behind, when did it last answer, and does it come to stay?
-- Locks: none. Lowest version: 15.
select
    coalesce(nullif(r.application_name, ''), 'unnamed') as name,
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
    -- A backup, a first copy of a table, and whoever has a slot for its session alone, come and go by themselves.
    r.application_name <> 'pg_basebackup'
        and r.application_name !~ '^pg_[0-9]+_sync_'
        and r.state <> 'startup'
        and not exists (
            select from pg_catalog.pg_replication_slots s
            where s.active_pid = r.pid and s.temporary) as stays,
    r.backend_start as since
from pg_catalog.pg_stat_replication r
where r.state <> 'backup'
order by 1, 2
