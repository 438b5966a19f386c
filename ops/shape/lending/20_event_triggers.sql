-- Creates an event trigger that belongs to `postgres`, for a block that cannot be lent a superuser's rights.
-- For each rehearsal's database once; PostgreSQL 15 and newer.

create or replace function runbooks.create_event_trigger(name text, event text, tags text[], function regproc)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    execute format(
        'create event trigger %%I on %%I %%s execute function %%s()', name, event,
        (select 'when tag in (' || string_agg(quote_literal(tag), ', ') || ')' from unnest(tags) as tag), function
    );
    alter role postgres superuser;
    execute format('alter event trigger %%I owner to postgres', name);
    alter role postgres nosuperuser;
end
$$;
revoke all on function runbooks.create_event_trigger(text, text, text[], regproc) from public;
grant execute on function runbooks.create_event_trigger(text, text, text[], regproc) to postgres;
