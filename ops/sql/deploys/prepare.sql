-- Makes the table of deploys, and that of the rows that a smoke left, where they do not exist yet.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    if to_regnamespace('runbooks') is null then
        create schema runbooks;
    end if;
    if to_regclass('runbooks.deploys') is null then
        create table runbooks.deploys (
            environment text not null,
            deploy text not null,
            project text not null,
            commit text,
            began_at timestamptz not null default clock_timestamp(),
            deployed_at timestamptz,
            restarted_at timestamptz,
            baseline jsonb,
            pre jsonb,
            post jsonb,
            rolled_back_at timestamptz,
            rollback jsonb,
            primary key (environment, deploy)
        );
    end if;
    if to_regclass('runbooks.smoke_rows') is null then
        create table runbooks.smoke_rows (
            id text not null primary key,
            relation text not null,
            key jsonb not null,
            at timestamptz not null default clock_timestamp()
        );
    end if;
end
$prepare$
