-- Makes the table of watermarks where it does not exist yet: up to which record each kind of run has read.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    if to_regnamespace('runbooks') is null then
        create schema runbooks;
    end if;
    if to_regclass('runbooks.eval_watermarks') is null then
        create table runbooks.eval_watermarks (
            environment text not null,
            run_type text not null,
            schema_variant text not null,
            created timestamptz not null,
            key text not null,
            tail text[] not null,
            content_digest text not null,
            run text not null,
            moved_at timestamptz not null default clock_timestamp(),
            primary key (environment, run_type, schema_variant)
        );
    end if;
end
$prepare$
