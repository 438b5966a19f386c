-- Makes the table of soaks where it does not exist yet; of each project and environment one can be under way.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    if to_regnamespace('runbooks') is null then
        create schema runbooks;
    end if;
    if to_regclass('runbooks.soak') is null then
        create table runbooks.soak (
            id text not null primary key,
            environment text not null,
            project text not null,
            migrations_digest text not null,
            overlays_digest text not null,
            applied text not null,
            commit text,
            began_at timestamptz not null,
            last_at timestamptz not null,
            ended_at timestamptz,
            verdict text not null default 'soaking' check (verdict in ('soaking', 'passed', 'failed')),
            said text not null,
            looks jsonb not null
        );
        create unique index soak_under_way_idx on runbooks.soak (environment, project) where verdict = 'soaking';
    end if;
end
$prepare$
