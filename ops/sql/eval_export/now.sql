-- What time is it on the database's clock?
-- Locks: none. Lowest version: 15.
select clock_timestamp()
