-- Does the history have this migration, and does the journal say that this tool has applied it?
-- Locks: ACCESS SHARE. Lowest version: 15.
select exists (select from supabase_migrations.schema_migrations m where m.version = %(version)s) as there,
       coalesce(
           (select j.action = 'apply'
            from runbooks.journal j
            where j.version = %(version)s and j.action in ('apply', 'rollback')
            order by j.id desc
            limit 1), false) as ours
