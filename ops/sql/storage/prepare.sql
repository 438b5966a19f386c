-- Makes the record of the objects that were planned to be uploaded again, and of what became of each and of the plan.
-- Locks: what CREATE takes on new objects; on a record of an earlier version ACCESS EXCLUSIVE, once. Lowest version: 15.
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
            state text not null,
            said text not null default '',
            planned_at timestamptz not null default clock_timestamp(),
            done_at timestamptz,
            unique (environment, plan_digest, bucket, name)
        );
    end if;
    if not exists (
        select from pg_attribute
        where attrelid = 'runbooks.storage_uploads'::regclass and attname = 'outcome' and not attisdropped
    ) then
        alter table runbooks.storage_uploads
            add column version text,
            add column outcome text check (outcome in ('proven', 'abandoned')),
            add column ended_at timestamptz,
            add column ended_by text,
            drop constraint if exists storage_uploads_state_check,
            add constraint storage_uploads_state_check
                check (state in ('planned', 'begun', 'uploaded', 'already-there', 'skipped'));
        -- Before a plan had an end of its own, it was over when each of its objects was.
        update runbooks.storage_uploads u
        set outcome = 'proven', ended_at = u.done_at, ended_by = u.run
        where not exists (
            select from runbooks.storage_uploads o
            where o.environment = u.environment and o.plan_digest = u.plan_digest
              and o.state in ('planned', 'begun'));
    end if;
end
$prepare$
