-- May this login see what the sessions of others do?
-- Locks: none. Lowest version: 15.
select pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage') as allowed
