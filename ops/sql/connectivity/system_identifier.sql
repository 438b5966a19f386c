-- The number that initdb gave this cluster and that its physical copies share; a role may lack the right to see it.
-- Locks: none. Lowest version: 15.
select system_identifier::text from pg_catalog.pg_control_system()
