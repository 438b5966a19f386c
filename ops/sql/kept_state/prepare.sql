-- Makes the table of the states that were there before a rollback changed them, where it does not exist yet.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    if to_regnamespace('runbooks') is null then
        create schema runbooks;
    end if;
    if to_regclass('runbooks.kept_states') is null then
        create table runbooks.kept_states (
            id bigint generated always as identity primary key,
            kind text not null,
            environment text not null,
            subject text not null,
            run text not null,
            plan_digest text not null,
            at timestamptz not null default clock_timestamp(),
            items jsonb not null,
            put_back_at timestamptz,
            put_back_by text,
            put_back_digest text,
            unique (kind, run)
        );
    end if;
end
$prepare$
