-- Is there a record of uploads that this role may read, and does it keep how plans have ended?
-- Locks: none. Lowest version: 15.
select coalesce(has_table_privilege(to_regclass('runbooks.storage_uploads')::oid, 'select'), false) as there,
       exists (
           select from pg_attribute a
           where a.attrelid = to_regclass('runbooks.storage_uploads') and a.attname = 'outcome'
             and not a.attisdropped
       ) as ends
