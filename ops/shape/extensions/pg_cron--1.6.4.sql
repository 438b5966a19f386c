-- Jobs are kept and never run: a rehearsal is over before the first of them is due.

create schema cron;
create sequence cron.jobid_seq;
create sequence cron.runid_seq;
create table cron.job (
    jobid bigint primary key default nextval('cron.jobid_seq'),
    schedule text not null,
    command text not null,
    nodename text not null default 'localhost',
    nodeport integer not null default 5432,
    database text not null default current_database(),
    username text not null default current_user,
    active boolean not null default true,
    jobname text,
    constraint jobname_username_uniq unique (jobname, username)
);
create table cron.job_run_details (
    jobid bigint,
    runid bigint primary key default nextval('cron.runid_seq'),
    job_pid integer,
    database text,
    username text,
    command text,
    status text,
    return_message text,
    start_time timestamptz,
    end_time timestamptz
);
select pg_extension_config_dump('cron.job', '');
alter table cron.job enable row level security;
alter table cron.job_run_details enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

create function cron.is_schedule(schedule text) returns boolean language sql immutable strict
    return schedule ~* '^\s*@(yearly|annually|monthly|weekly|daily|midnight|hourly|reboot)\s*$'
        or schedule ~* '^\s*([1-9]|[1-5][0-9])\s+seconds?\s*$'
        or schedule ~* '^\s*([-0-9*,/]+\s+){2}[-0-9*,/$]+\s+[-0-9*,/a-z]+\s+[-0-9*,/a-z]+\s*$';
create function cron.keep(
    job_name text, schedule text, command text, database text, username text, active boolean
) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    id bigint;
begin
    if not cron.is_schedule(keep.schedule) or keep.schedule is null then
        raise exception 'invalid schedule: %', keep.schedule using
            errcode = 'invalid_parameter_value',
            hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
    end if;
    insert into cron.job as old (jobname, schedule, command, database, username, active)
    values (keep.job_name, keep.schedule, keep.command, keep.database, keep.username, keep.active)
    on conflict on constraint jobname_username_uniq do update
    set schedule = excluded.schedule, command = excluded.command, database = excluded.database,
        active = excluded.active
    returning jobid into id;
    return id;
end
$$;
create function cron.schedule(schedule text, command text) returns bigint language sql
    return cron.keep(null, schedule, command, current_database(), current_user, true);
create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql
    return cron.keep(job_name, schedule, command, current_database(), current_user, true);
create function cron.schedule_in_database(
    job_name text, schedule text, command text, database text, username text default null, active boolean default true
) returns bigint language sql
    return cron.keep(job_name, schedule, command, database, coalesce(username, current_user), active);
create function cron.forget(job_id bigint, job_name text, username text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from cron.job where jobid = job_id or jobname = job_name and job.username = forget.username;
    if not found then
        raise exception 'could not find valid entry for job %', coalesce('''' || job_name || '''', job_id::text);
    end if;
    return true;
end
$$;
create function cron.unschedule(job_id bigint) returns boolean language sql
    return cron.forget(job_id, null, current_user);
create function cron.unschedule(job_name text) returns boolean language sql
    return cron.forget(null, job_name, current_user);
create function cron.alter_job(
    job_id bigint, schedule text default null, command text default null, database text default null,
    username text default null, active boolean default null
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if alter_job.schedule is not null and not cron.is_schedule(alter_job.schedule) then
        raise exception 'invalid schedule: %', alter_job.schedule using errcode = 'invalid_parameter_value';
    end if;
    update cron.job as old
    set schedule = coalesce(alter_job.schedule, old.schedule), command = coalesce(alter_job.command, old.command),
        database = coalesce(alter_job.database, old.database), username = coalesce(alter_job.username, old.username),
        active = coalesce(alter_job.active, old.active)
    where jobid = job_id;
    if not found then
        raise exception 'Job % does not exist or you don''t own it', job_id;
    end if;
end
$$;
create function cron.job_cache_invalidate() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger cron_job_cache_invalidate after insert or update or delete or truncate on cron.job
    for each statement execute function cron.job_cache_invalidate();

grant usage on schema cron to postgres with grant option;
revoke all on all functions in schema cron from public;
grant all on all functions in schema cron to postgres with grant option;
grant select on cron.job to postgres with grant option;
grant select, insert, update, delete, truncate on cron.job_run_details to postgres with grant option;
grant usage on all sequences in schema cron to postgres with grant option;
