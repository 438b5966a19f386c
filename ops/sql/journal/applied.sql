-- Records that a migration is applied: its history row and its journal row, in the caller's transaction.
-- Locks: ROW EXCLUSIVE on the two tables. Lowest version: 15.
with history as (
    insert into supabase_migrations.schema_migrations (version, name, statements)
    values (%(version)s, %(name)s, %(statements)s)
    on conflict (version) do update set name = excluded.name, statements = excluded.statements
)
insert into runbooks.journal (version, file, action, sha256, run, details)
values (%(version)s, %(file)s, 'apply', %(sha256)s, %(run)s, %(details)s)
