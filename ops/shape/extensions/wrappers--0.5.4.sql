-- Foreign tables can be made and not read: each wrapper's handler is the one of postgres_fdw, which finds no server.

do $handlers$
declare
    name text;
begin
    foreach name in array array[
        'airtable', 'auth0', 'big_query', 'click_house', 'cognito', 'duckdb', 'firebase', 'hello_world', 'iceberg',
        'logflare', 'mssql', 'redis', 's3', 's3_vectors', 'stripe', 'wasm'
    ] loop
        execute format(
            'create function %I() returns fdw_handler language c strict as ''$libdir/postgres_fdw'','
            ' ''postgres_fdw_handler''', name || '_fdw_handler'
        );
        execute format(
            'create function %I(options text[], catalog oid) returns void language plpgsql as ''begin end''',
            name || '_fdw_validator'
        );
    end loop;
end
$handlers$;
create table wrappers_fdw_stats (
    fdw_name text primary key,
    create_times bigint,
    rows_in bigint,
    rows_out bigint,
    bytes_in bigint,
    bytes_out bigint,
    metadata jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
