-- Is there a record of promotions, and may this role read it?
-- Locks: none. Lowest version: 15.
select coalesce(has_table_privilege(to_regclass('runbooks.promotions')::oid, 'select'), false) as there
