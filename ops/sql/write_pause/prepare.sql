-- Makes the record of paused writes where it does not exist yet.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    if to_regnamespace('runbooks') is null then
        create schema runbooks;
    end if;
    if to_regclass('runbooks.write_pauses') is null then
        create table runbooks.write_pauses (
            number bigint primary key,
            incident text not null,
            event text not null,
            environment text not null,
            run text not null,
            at timestamptz not null,
            details jsonb not null
        );
    end if;
end
$prepare$
