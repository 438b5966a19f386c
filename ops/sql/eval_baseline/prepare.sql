-- Makes the list of pinned baselines where it does not exist yet: rows are added and never changed or taken away.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    create schema if not exists runbooks;
    if to_regclass('runbooks.eval_baselines') is null then
        create table runbooks.eval_baselines (
            id bigint generated always as identity primary key,
            at timestamptz not null default clock_timestamp(),
            run_type text not null,
            schema_variant text not null,
            run_id bigint not null,
            run_key text not null,
            pinned_by text not null check (pinned_by <> ''),
            why text not null
        );
        create index eval_baselines_last_idx on runbooks.eval_baselines (run_type, schema_variant, id);
        create function runbooks.refuse_baseline_change() returns trigger language plpgsql set search_path = '' as $refuse$
        begin
            raise exception using errcode = 'RB002', message =
                'The list of baselines is append-only: its rows are not changed and not taken away, so nothing was done.';
        end
        $refuse$;
        create trigger append_only before update or delete or truncate on runbooks.eval_baselines
            for each statement execute function runbooks.refuse_baseline_change();
        alter table runbooks.eval_baselines enable always trigger append_only;
    end if;
end
$prepare$
