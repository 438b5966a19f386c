-- Makes the record of promotions where it does not exist yet.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    create schema if not exists runbooks;
    create table if not exists runbooks.promotions (
        id bigint generated always as identity primary key,
        environment text not null,
        plan_digest text not null,
        run text not null,
        began_at timestamptz not null default clock_timestamp(),
        plan jsonb not null,
        before jsonb not null,
        expected jsonb not null,
        kept jsonb not null default '{}',
        applied_at timestamptz,
        ended_at timestamptz,
        outcome text,
        check ((ended_at is null) = (outcome is null))
    );
    -- One plan at a time is under way in an environment.
    create unique index if not exists promotions_under_way on runbooks.promotions (environment)
        where ended_at is null;
end
$prepare$
