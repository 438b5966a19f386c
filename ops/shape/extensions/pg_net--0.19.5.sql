-- Requests are kept in the queue and never sent: a rehearsal must not act on the world.

create schema net;
create domain net.http_method as text check (value in ('GET', 'POST', 'DELETE'));
create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
create type net.http_response as (status_code integer, headers jsonb, body text);
create type net.http_response_result as (status net.request_status, message text, response net.http_response);
create unlogged table net.http_request_queue (
    id bigserial,
    method net.http_method not null,
    url text not null,
    headers jsonb,
    body bytea,
    timeout_milliseconds integer not null
);
create unlogged table net._http_response (
    id bigint,
    status_code integer,
    content_type text,
    headers jsonb,
    content text,
    timed_out boolean,
    error_msg text,
    created timestamptz not null default now()
);
create index _http_response_created_idx on net._http_response (created);

create function net._urlencode_string(string varchar) returns text language sql immutable strict
    return replace(replace(replace(replace(string, '%', '%25'), ' ', '%20'), '&', '%26'), '=', '%3D');
create function net._encode_url_with_params_array(url text, params_array text[]) returns text
language sql immutable strict return
    url || case when cardinality(params_array) > 0 then '?' || array_to_string(params_array, '&') else '' end;
create function net.keep(
    method text, url text, params jsonb, headers jsonb, body text, timeout_milliseconds integer
) returns bigint language plpgsql as $$
declare
    wanted text := net._encode_url_with_params_array(url, array(
        select net._urlencode_string(key::varchar) || '=' || net._urlencode_string(value::varchar)
        from jsonb_each_text(params)
    ));
    kept bigint;
begin
    insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
    values (method, wanted, headers, convert_to(body, 'UTF8'), timeout_milliseconds) returning id into kept;
    return kept;
end
$$;
create function net.http_get(
    url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000
) returns bigint language sql security definer set search_path = pg_catalog, pg_temp
    return net.keep('GET', url, params, headers, null, timeout_milliseconds);
create function net.http_post(
    url text, body jsonb default '{}', params jsonb default '{}',
    headers jsonb default '{"Content-Type": "application/json"}', timeout_milliseconds integer default 5000
) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if coalesce((select value from jsonb_each_text(headers) where lower(key) = 'content-type'), 'application/json')
        not like 'application/json%' then
        raise exception 'Content-Type header must be "application/json"';
    end if;
    return net.keep('POST', url, params, headers, body::text, timeout_milliseconds);
end
$$;
create function net.http_delete(
    url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000,
    body jsonb default null
) returns bigint language sql security definer set search_path = pg_catalog, pg_temp
    return net.keep('DELETE', url, params, headers, body::text, timeout_milliseconds);
create function net._http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result language sql security definer set search_path = pg_catalog, pg_temp
    return row('PENDING', 'pg_net stands in for the real one: nothing was sent', null)::net.http_response_result;
create function net.http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result language sql security definer set search_path = pg_catalog, pg_temp
    return net._http_collect_response(request_id, async);
create function net.check_worker_is_up() returns void language sql as $$ $$;
create function net.worker_restart() returns boolean language sql return true;
create function net.wake() returns void language sql as $$ $$;

-- Nothing here belongs to a superuser: a project's trigger on one of these tables runs as the owner of a function.
do $owners$
declare
    statement text;
begin
    for statement in
        select format('alter table %s owner to supabase_functions_admin', oid::regclass)
        from pg_catalog.pg_class where relnamespace = 'net'::regnamespace and relkind in ('r', 'v')
        union all
        select format('alter function %s owner to supabase_functions_admin', oid::regprocedure)
        from pg_catalog.pg_proc where pronamespace = 'net'::regnamespace
    loop
        execute statement;
    end loop;
end
$owners$;

grant all on schema net to supabase_functions_admin;
grant all on all sequences in schema net to supabase_functions_admin;
grant usage on schema net to supabase_functions_admin, postgres, anon, authenticated, service_role;
grant all on all tables in schema net to postgres with grant option;
grant all on all sequences in schema net to postgres with grant option;
revoke execute on function net.http_get(text, jsonb, jsonb, integer) from public;
revoke execute on function net.http_post(text, jsonb, jsonb, jsonb, integer) from public;
grant execute on all functions in schema net
    to supabase_functions_admin, postgres, anon, authenticated, service_role;
