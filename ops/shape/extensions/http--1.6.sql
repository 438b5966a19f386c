-- Nothing is requested: every answer is 503 with no content, since a rehearsal must not act on the world.

create domain http_method as text;
create domain content_type as text check (value ~ '^\S+\/\S+');
create type http_header as (field varchar, value varchar);
create type http_response as (status integer, content_type varchar, headers http_header[], content varchar);
create type http_request as (
    method http_method, uri varchar, headers http_header[], content_type varchar, content varchar
);

create function http_set_curlopt(curlopt varchar, value varchar) returns boolean language sql return true;
create function http_reset_curlopt() returns boolean language sql return true;
create function http_list_curlopt() returns table (curlopt text, value text) language sql as $$
    select null::text, null::text where false
$$;
create function http_header(field varchar, value varchar) returns http_header language sql
    return row(field, value)::http_header;
create function http_headers(variadic args text[]) returns http_header[] language sql
    return (
        select array_agg(row(args[place], args[place + 1])::http_header order by place)
        from generate_series(1, cardinality(args) - 1, 2) as place
    );

create function http(request http_request) returns http_response language plpgsql as $$
begin
    raise notice 'http stands in for the real one: % % was not requested', request.method, request.uri;
    return row(503, null, '{}', null)::http_response;
end
$$;
create function http_get(uri varchar) returns http_response language sql
    return http(row('GET', uri, null, null, null)::http_request);
create function http_get(uri varchar, data jsonb) returns http_response language sql
    return http(row('GET', uri, null, null, null)::http_request);
create function http_post(uri varchar, content varchar, content_type varchar) returns http_response language sql
    return http(row('POST', uri, null, content_type, content)::http_request);
create function http_post(uri varchar, data jsonb) returns http_response language sql
    return http(row('POST', uri, null, 'application/x-www-form-urlencoded', data::text)::http_request);
create function http_put(uri varchar, content varchar, content_type varchar) returns http_response language sql
    return http(row('PUT', uri, null, content_type, content)::http_request);
create function http_patch(uri varchar, content varchar, content_type varchar) returns http_response language sql
    return http(row('PATCH', uri, null, content_type, content)::http_request);
create function http_delete(uri varchar) returns http_response language sql
    return http(row('DELETE', uri, null, null, null)::http_request);
create function http_delete(uri varchar, content varchar, content_type varchar) returns http_response language sql
    return http(row('DELETE', uri, null, content_type, content)::http_request);
create function http_head(uri varchar) returns http_response language sql
    return http(row('HEAD', uri, null, null, null)::http_request);

create function urlencode(string bytea) returns text language sql immutable strict
    return (
        select coalesce(string_agg(
            case
                when chr(code) ~ '[A-Za-z0-9_.~-]' and code < 128 then chr(code)
                else '%' || upper(lpad(to_hex(code), 2, '0'))
            end, '' order by place
        ), '')
        from generate_series(0, length(string) - 1) as place, lateral (select get_byte(string, place) as code) as byte
    );
create function urlencode(string varchar) returns text language sql immutable strict
    return urlencode(convert_to(string, 'UTF8'));
create function urlencode(data jsonb) returns text language sql immutable strict
    return (
        select coalesce(string_agg(urlencode(key::varchar) || '=' || urlencode(value::varchar), '&'), '')
        from jsonb_each_text(data)
    );
create function text_to_bytea(data text) returns bytea language sql immutable strict
    return convert_to(data, 'UTF8');
create function bytea_to_text(data bytea) returns text language sql immutable strict
    return convert_from(data, 'UTF8');
