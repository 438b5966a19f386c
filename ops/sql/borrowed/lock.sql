-- Takes the lock of one rehearsal's databases, if nobody holds it.
-- Locks: one advisory lock of this session. Lowest version: 15.
select pg_catalog.pg_try_advisory_lock(1398096451, pg_catalog.hashtext(%(name)s))
