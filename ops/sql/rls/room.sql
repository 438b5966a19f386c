-- For how many locks of all sessions together does this server have room?
-- Locks: none. Lowest version: 15.
select
    pg_catalog.current_setting('max_locks_per_transaction')::bigint * (
        pg_catalog.current_setting('max_connections')::bigint
        + pg_catalog.current_setting('max_prepared_transactions')::bigint
    )
