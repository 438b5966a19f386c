-- What hosted Supabase has of it, the Apache edition. A hypertable stays the plain table that it was.

create function create_hypertable(
    relation regclass, time_column_name name, partitioning_column name default null,
    number_partitions integer default null, associated_schema_name name default null,
    associated_table_prefix name default null, chunk_time_interval anyelement default null::bigint,
    create_default_indexes boolean default true, if_not_exists boolean default false,
    partitioning_func regproc default null, migrate_data boolean default false, chunk_target_size text default null,
    chunk_sizing_func regproc default null, time_partitioning_func regproc default null
) returns table (hypertable_id integer, schema_name name, table_name name, created boolean) language plpgsql as $$
begin
    if create_default_indexes then
        execute format('create index if not exists %I on %s (%I desc)',
            (select relname from pg_catalog.pg_class where oid = relation) || '_' || time_column_name || '_idx',
            relation, time_column_name);
    end if;
    return query select relation::oid::integer, n.nspname, c.relname, true
        from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.oid = relation;
end
$$;
create function set_chunk_time_interval(hypertable regclass, chunk_time_interval interval) returns void
language sql return null;
create function drop_chunks(relation regclass, older_than interval) returns setof text
language sql begin atomic
    select null::text where false;
end;

create function time_bucket(bucket_width interval, ts timestamp) returns timestamp language sql immutable strict
return case when extract(year from bucket_width) = 0 and extract(month from bucket_width) = 0
    then date_bin(bucket_width, ts, timestamp '2000-01-03')
    else timestamp '2000-01-01' + make_interval(months => (floor(
        ((extract(year from ts) - 2000) * 12 + extract(month from ts) - 1)
        / (extract(year from bucket_width) * 12 + extract(month from bucket_width))
    ) * (extract(year from bucket_width) * 12 + extract(month from bucket_width)))::integer) end;
create function time_bucket(bucket_width interval, ts timestamptz) returns timestamptz
language sql immutable strict return time_bucket(bucket_width, ts at time zone 'UTC') at time zone 'UTC';
create function time_bucket(bucket_width interval, ts date) returns date
language sql immutable strict return time_bucket(bucket_width, ts::timestamp)::date;
