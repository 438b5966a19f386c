-- How long may the smoke wait and work? (it must be in nobody's way)
-- Locks: none. Lowest version: 15.
select pg_catalog.set_config('lock_timeout', '500ms', true), pg_catalog.set_config('statement_timeout', '10s', true),
       pg_catalog.set_config('idle_in_transaction_session_timeout', '15s', true)
