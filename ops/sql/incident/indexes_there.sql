-- Is there a record of an incident's indexes, and may this role read of it?
-- Locks: none. Lowest version: 15.
select coalesce(has_table_privilege(to_regclass('runbooks.incident_indexes')::oid, 'select'), false) as there
