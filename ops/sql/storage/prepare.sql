-- Makes the record of the objects that were planned to be uploaded again, and of what became of each.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    if to_regnamespace('runbooks') is null then
        create schema runbooks;
    end if;
    if to_regclass('runbooks.storage_uploads') is null then
        create table runbooks.storage_uploads (
            id bigint generated always as identity primary key,
            environment text not null,
            plan_digest text not null,
            bucket text not null,
            name text not null,
            item jsonb not null,
            reason text not null,
            run text not null,
            state text not null check (state in ('planned', 'begun', 'uploaded', 'skipped')),
            said text not null default '',
            planned_at timestamptz not null default clock_timestamp(),
            done_at timestamptz,
            unique (environment, plan_digest, bucket, name)
        );
    end if;
end
$prepare$
