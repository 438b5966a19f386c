-- Makes the table of heartbeats where it does not exist yet.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    create schema if not exists runbooks;
    if to_regclass('runbooks.heartbeat') is null then
        create table runbooks.heartbeat (
            id bigint generated always as identity primary key,
            at timestamptz not null default clock_timestamp()
        );
    end if;
end
$prepare$
