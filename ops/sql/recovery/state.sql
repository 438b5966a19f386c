-- Up to where was this cluster recovered, and when was the last of its transactions?
-- Locks: none. Lowest version: 15.
select (pg_catalog.pg_last_wal_replay_lsn() - '0/0'::pg_catalog.pg_lsn)::bigint as end_lsn,
       pg_catalog.pg_last_xact_replay_timestamp() as last_commit
