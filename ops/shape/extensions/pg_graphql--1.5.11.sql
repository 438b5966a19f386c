-- Nothing is resolved: every answer is an error that says so.

create function @extschema@.resolve(
    query text, variables jsonb default '{}', "operationName" text default null, extensions jsonb default null
) returns jsonb language sql return jsonb_build_object(
    'data', null,
    'errors', jsonb_build_array(jsonb_build_object('message', 'pg_graphql stands in for the real one'))
);
create function @extschema@._internal_resolve(
    query text, variables jsonb default '{}', "operationName" text default null, extensions jsonb default null
) returns jsonb language sql return @extschema@.resolve(query, variables, "operationName", extensions);
create sequence @extschema@.seq_schema_version cycle;
create function @extschema@.get_schema_version() returns integer language sql security definer
    return (select last_value from @extschema@.seq_schema_version)::integer;
create function @extschema@.exception(message text) returns text language plpgsql as $$
begin
    raise exception using errcode = '22000', message = message;
end
$$;
create function @extschema@.comment_directive(comment_ text) returns jsonb language sql immutable
    return coalesce(substring(comment_ from '@graphql\((.*)\)')::jsonb, '{}'::jsonb);

grant usage on schema @extschema@ to postgres, anon, authenticated, service_role;
grant execute on all functions in schema @extschema@ to postgres, anon, authenticated, service_role;
