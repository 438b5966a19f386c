-- Writes the one row of the marker.
-- Locks: ROW EXCLUSIVE on the marker. Lowest version: 15.
insert into runbooks.marker (environment, rehearse, system_identifier, database_oid)
select %(environment)s, %(rehearse)s, c.system_identifier::text, d.oid::bigint
from pg_catalog.pg_control_system() c, pg_catalog.pg_database d
where d.datname = current_database()
on conflict (one) do update
set environment = excluded.environment, rehearse = excluded.rehearse,
    system_identifier = excluded.system_identifier, database_oid = excluded.database_oid, at = now()
