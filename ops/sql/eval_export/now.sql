-- What time is it on the database's clock?
-- Locks: none. Lowest version: 15.
select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
