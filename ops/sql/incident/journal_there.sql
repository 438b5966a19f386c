-- Has this tool applied anything here, and may this role read of it?
-- Locks: none. Lowest version: 15.
select coalesce(has_table_privilege(to_regclass('runbooks.journal')::oid, 'select'), false)
    and coalesce(has_table_privilege(to_regclass('supabase_migrations.schema_migrations')::oid, 'select'), false) as there
