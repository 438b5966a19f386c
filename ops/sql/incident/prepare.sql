-- Makes the record of the indexes that an incident was to build, and of what became of each.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    if to_regnamespace('runbooks') is null then
        create schema runbooks;
    end if;
    if to_regclass('runbooks.incident_indexes') is null then
        create table runbooks.incident_indexes (
            id bigint generated always as identity primary key,
            environment text not null,
            plan_digest text not null,
            name text not null,
            item jsonb not null,
            reason text not null,
            run text not null,
            run_id text not null,
            state text not null
                check (state in ('planned', 'begun', 'built', 'removing', 'removed', 'skipped')),
            said text not null default '',
            planned_at timestamptz not null default clock_timestamp(),
            done_at timestamptz,
            unique (environment, plan_digest, run_id, name)
        );
    end if;
end
$prepare$
