-- Which database is this, whatever it is called and however it was reached?
-- Locks: none. Lowest version: 15.
select c.system_identifier::text, pg_catalog.current_database()::text
from pg_catalog.pg_control_system() c
