-- Records that a migration is rolled back: its history row is gone, its journal says by which file.
-- Locks: ROW EXCLUSIVE on the two tables. Lowest version: 15.
with history as (
    delete from supabase_migrations.schema_migrations where version = %(version)s
)
insert into runbooks.journal (version, file, action, sha256, run, details)
values (%(version)s, %(file)s, 'rollback', %(sha256)s, %(run)s, %(details)s)
