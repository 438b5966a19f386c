-- Makes the table of the subjects that were erased, by keyed hashes, where it does not exist yet.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    if to_regnamespace('runbooks') is null then
        create schema runbooks;
    end if;
    if to_regclass('runbooks.erasures') is null then
        create table runbooks.erasures (
            id bigint generated always as identity primary key,
            environment text not null,
            subject text not null,
            run text not null unique,
            plan_digest text not null,
            counts jsonb not null,
            at timestamptz not null default clock_timestamp()
        );
    end if;
end
$prepare$
