-- Makes the Supabase CLI's history table and our journal where they do not exist yet.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (
        version text not null primary key,
        statements text[],
        name text
    );
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;
    create schema if not exists runbooks;
    create table if not exists runbooks.journal (
        id bigint generated always as identity primary key,
        version text not null,
        file text not null,
        action text not null check (action in ('apply', 'rollback', 'begin-unit', 'unit')),
        unit int,
        sha256 text not null,
        run text not null,
        at timestamptz not null default clock_timestamp(),
        details jsonb not null default '{}'
    );
    create index if not exists journal_version_idx on runbooks.journal (version, id);
end
$prepare$
