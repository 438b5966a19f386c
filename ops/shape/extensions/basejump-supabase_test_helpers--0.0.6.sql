-- The calls of the package's own version, made anew: test users, whom to act as, and whether RLS is on.

create schema tests;

create function tests.create_supabase_user(
    identifier text, email text default null, phone text default null, metadata jsonb default null
) returns uuid language plpgsql security definer set search_path = auth, pg_temp as $$
declare
    made uuid := gen_random_uuid();
begin
    insert into auth.users (id, aud, role, email, phone, raw_user_meta_data, raw_app_meta_data, created_at, updated_at)
    values (
        made, 'authenticated', 'authenticated', coalesce(email, concat(made, '@test.com')), phone,
        jsonb_build_object('test_identifier', identifier) || coalesce(metadata, '{}'), '{}', now(), now()
    );
    return made;
end
$$;
create function tests.get_supabase_user(identifier text) returns json language plpgsql security definer
set search_path = auth, pg_temp as $$
declare
    found json;
begin
    select json_build_object(
        'id', id, 'email', email, 'phone', phone, 'raw_user_meta_data', raw_user_meta_data,
        'raw_app_meta_data', raw_app_meta_data
    ) into found
    from auth.users where raw_user_meta_data ->> 'test_identifier' = identifier limit 1;
    if found is null then
        raise exception 'User with identifier % not found', identifier;
    end if;
    return found;
end
$$;
create function tests.get_supabase_uid(identifier text) returns uuid language sql security definer
set search_path = auth, pg_temp as $$ select (tests.get_supabase_user(identifier) ->> 'id')::uuid $$;
create function tests.authenticate_as(identifier text) returns void language plpgsql as $$
declare
    known json := tests.get_supabase_user(identifier);
begin
    perform set_config('role', 'authenticated', true);
    perform set_config('request.jwt.claims', json_build_object(
        'sub', known ->> 'id', 'email', known ->> 'email', 'phone', known ->> 'phone', 'role', 'authenticated',
        'user_metadata', known -> 'raw_user_meta_data', 'app_metadata', known -> 'raw_app_meta_data'
    )::text, true);
end
$$;
create function tests.authenticate_as_service_role() returns void language plpgsql as $$
begin
    perform set_config('role', 'service_role', true), set_config('request.jwt.claims', null, true);
end
$$;
create function tests.clear_authentication() returns void language plpgsql as $$
begin
    perform set_config('role', 'anon', true), set_config('request.jwt.claims', null, true);
end
$$;
create function tests.rls_enabled(testing_schema text) returns text language plpgsql as $$
begin
    return is(
        (select count(*) from pg_class where relkind = 'r' and not relrowsecurity
            and relnamespace = testing_schema::regnamespace),
        0::bigint, 'All tables in the ' || testing_schema || ' schema should have row level security enabled'
    );
end
$$;
create function tests.rls_enabled(testing_schema text, testing_table text) returns text language plpgsql as $$
begin
    return is(
        (select count(*) from pg_class where relkind = 'r' and relrowsecurity
            and relnamespace = testing_schema::regnamespace and relname = testing_table),
        1::bigint, testing_table || ' table in the ' || testing_schema
            || ' schema should have row level security enabled'
    );
end
$$;
create schema test_overrides;
create function test_overrides.now() returns timestamptz language sql stable return coalesce(
    nullif(current_setting('tests.frozen_time', true), '')::timestamptz, pg_catalog.now()
);
create function tests.freeze_time(frozen_time timestamptz) returns void language plpgsql as $$
begin
    if current_setting('search_path') not like '%test_overrides%' then
        perform set_config('search_path', 'test_overrides,' || current_setting('search_path') || ',pg_catalog', true);
    end if;
    perform set_config('tests.frozen_time', frozen_time::text, true);
end
$$;
create function tests.unfreeze_time() returns void language plpgsql as $$
begin
    perform set_config('tests.frozen_time', null, true);
    perform set_config('search_path', replace(current_setting('search_path'), 'test_overrides,', ''), true);
end
$$;
do $access$
declare
    space text;
begin
    foreach space in array array['tests', 'test_overrides'] loop
        execute format('grant usage on schema %I to postgres, anon, authenticated, service_role', space);
        execute format(
            'grant execute on all functions in schema %I to postgres, anon, authenticated, service_role', space
        );
    end loop;
    -- Also on what a suite adds there itself, whatever the project has taken from PUBLIC.
    execute format(
        'alter default privileges for role %I in schema tests grant execute on functions to anon, authenticated',
        session_user
    );
end
$access$;
