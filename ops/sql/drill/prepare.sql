-- Makes the log of drills where it does not exist yet: rows are added and never changed or taken away.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    create schema if not exists runbooks;
    if to_regclass('runbooks.drills') is null then
        create table runbooks.drills (
            run text primary key,
            environment text not null,
            logged timestamptz not null default clock_timestamp(),
            entry jsonb not null
        );
        create function runbooks.refuse_drill_change() returns trigger language plpgsql set search_path = '' as $refuse$
        begin
            raise exception using errcode = 'RB002', message =
                'The log of drills is append-only: its rows are not changed and not taken away, so nothing was done.';
        end
        $refuse$;
        create trigger append_only before update or delete or truncate on runbooks.drills
            for each statement execute function runbooks.refuse_drill_change();
        alter table runbooks.drills enable always trigger append_only;
    end if;
end
$prepare$
