-- Is there a record of uploads, and may this role read of it?
-- Locks: none. Lowest version: 15.
select coalesce(has_table_privilege(to_regclass('runbooks.storage_uploads')::oid, 'select'), false) as there
