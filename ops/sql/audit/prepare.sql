-- Makes the audit log where it does not exist yet: rows are added and never changed or taken away.
-- Locks: only what CREATE takes on new objects. Lowest version: 15.
do $prepare$
begin
    perform pg_advisory_xact_lock(hashtextextended('supabase-runbooks/prepare', 0));
    create schema if not exists runbooks;
    if to_regclass('runbooks.audit_log') is null then
        create table runbooks.audit_log (
            id bigint primary key,
            at timestamptz not null,
            event text not null,
            environment text not null,
            run text not null,
            gate text not null,
            plan_digest text not null,
            actor text not null,
            proof text not null,
            note text not null,
            details jsonb not null,
            previous text not null,
            hash text not null
        );
        -- An answer is judged once, a question asked once, and a code good for one answer.
        create unique index audit_log_answer on runbooks.audit_log (run, gate, plan_digest, (details ->> 'answer'))
            where details ? 'answer';
        create unique index audit_log_asked on runbooks.audit_log (run, gate, plan_digest, (details ->> 'ask'))
            where event = 'asked';
        create unique index audit_log_code on runbooks.audit_log (actor, (details ->> 'step')) where details ? 'step';
        create function runbooks.refuse_change() returns trigger language plpgsql set search_path = '' as $refuse$
        begin
            raise exception using errcode = 'RB002', message =
                'The audit log is append-only: its rows are not changed and not taken away, so nothing was done.';
        end
        $refuse$;
        create trigger append_only before update or delete or truncate on runbooks.audit_log
            for each statement execute function runbooks.refuse_change();
        alter table runbooks.audit_log enable always trigger append_only;
    end if;
end
$prepare$
