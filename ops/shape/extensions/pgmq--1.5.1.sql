-- Queues are real tables and behave as such; partitions and notifications are accepted and make no difference.

create table @extschema@.meta (
    queue_name varchar primary key,
    is_partitioned boolean not null,
    is_unlogged boolean not null,
    created_at timestamptz not null default now()
);
select pg_extension_config_dump('@extschema@.meta', '');
create type @extschema@.message_record as (
    msg_id bigint, read_ct integer, enqueued_at timestamptz, vt timestamptz, message jsonb, headers jsonb
);
create type @extschema@.queue_record as (
    queue_name varchar, is_partitioned boolean, is_unlogged boolean, created_at timestamptz
);
create type @extschema@.metrics_result as (
    queue_name text, queue_length bigint, newest_msg_age_sec integer, oldest_msg_age_sec integer,
    total_messages bigint, scrape_time timestamptz, queue_visible_length bigint
);

create function @extschema@.format_table_name(queue_name text, prefix text) returns text
language plpgsql immutable as $$
begin
    if queue_name ~ '\$|;|--|''' then
        raise exception 'queue name contains invalid characters: $, ;, --, or \''';
    end if;
    return lower(prefix || '_' || queue_name);
end
$$;
create function @extschema@.validate_queue_name(queue_name text) returns void language plpgsql as $$
begin
    if length(queue_name) > 47 then
        raise exception 'queue name is too long, maximum length is 47 characters';
    end if;
end
$$;
create function @extschema@._create(queue_name text, unlogged boolean) returns void language plpgsql as $$
declare
    queue text := @extschema@.format_table_name(queue_name, 'q');
    archived text := @extschema@.format_table_name(queue_name, 'a');
begin
    perform @extschema@.validate_queue_name(queue_name);
    execute format($create$
        create %s table if not exists @extschema@.%I (
            msg_id bigint generated always as identity primary key,
            read_ct integer not null default 0,
            enqueued_at timestamptz not null default now(),
            vt timestamptz not null,
            message jsonb,
            headers jsonb
        )
    $create$, case when unlogged then 'unlogged' else '' end, queue);
    execute format($create$
        create table if not exists @extschema@.%I (
            msg_id bigint primary key,
            read_ct integer not null default 0,
            enqueued_at timestamptz not null default now(),
            archived_at timestamptz not null default now(),
            vt timestamptz not null,
            message jsonb,
            headers jsonb
        )
    $create$, archived);
    execute format('create index if not exists %I on @extschema@.%I (vt)', queue || '_vt_idx', queue);
    execute format(
        'create index if not exists %I on @extschema@.%I (archived_at)', 'archived_at_idx_' || queue_name, archived
    );
    insert into @extschema@.meta (queue_name, is_partitioned, is_unlogged) values (queue_name, false, unlogged)
    on conflict do nothing;
end
$$;
create function @extschema@.create(queue_name text) returns void language sql
    return @extschema@._create(queue_name, false);
create function @extschema@.create_non_partitioned(queue_name text) returns void language sql
    return @extschema@._create(queue_name, false);
create function @extschema@.create_unlogged(queue_name text) returns void language sql
    return @extschema@._create(queue_name, true);
create function @extschema@.create_partitioned(
    queue_name text, partition_interval text default '10000', retention_interval text default '100000'
) returns void language sql return @extschema@._create(queue_name, false);
create function @extschema@.drop_queue(queue_name text) returns boolean language plpgsql as $$
begin
    execute format('drop table if exists @extschema@.%I', @extschema@.format_table_name(queue_name, 'q'));
    execute format('drop table if exists @extschema@.%I', @extschema@.format_table_name(queue_name, 'a'));
    delete from @extschema@.meta where meta.queue_name = drop_queue.queue_name;
    return found;
end
$$;
create function @extschema@.drop_queue(queue_name text, partitioned boolean) returns boolean language sql
    return @extschema@.drop_queue(queue_name);
create function @extschema@.list_queues() returns setof @extschema@.queue_record language sql as $$
    select queue_name, is_partitioned, is_unlogged, created_at from @extschema@.meta
$$;
create function @extschema@.detach_archive(queue_name text) returns void language sql as $$ $$;
create function @extschema@.convert_archive_partitioned(
    table_name text, partition_interval text default '10000', retention_interval text default '100000',
    leading_partition integer default 10
) returns void language sql as $$ $$;

create function @extschema@.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamptz)
returns setof bigint language plpgsql as $$
begin
    return query execute format(
        'insert into @extschema@.%I (vt, message, headers)'
        ' select $3, msg, head from unnest($1, $2) as given (msg, head) returning msg_id',
        @extschema@.format_table_name(queue_name, 'q')
    ) using msgs, headers, delay;
end
$$;
create function @extschema@.send_batch(queue_name text, msgs jsonb[]) returns setof bigint language sql as $$
    select @extschema@.send_batch(queue_name, msgs, null::jsonb[], clock_timestamp())
$$;
create function @extschema@.send_batch(queue_name text, msgs jsonb[], headers jsonb[]) returns setof bigint
language sql as $$ select @extschema@.send_batch(queue_name, msgs, headers, clock_timestamp()) $$;
create function @extschema@.send_batch(queue_name text, msgs jsonb[], delay integer) returns setof bigint
language sql as $$
    select @extschema@.send_batch(queue_name, msgs, null::jsonb[], clock_timestamp() + make_interval(secs => delay))
$$;
create function @extschema@.send_batch(queue_name text, msgs jsonb[], delay timestamptz) returns setof bigint
language sql as $$ select @extschema@.send_batch(queue_name, msgs, null::jsonb[], delay) $$;
create function @extschema@.send(queue_name text, msg jsonb, headers jsonb, delay timestamptz) returns setof bigint
language sql as $$ select @extschema@.send_batch(queue_name, array[msg], array[headers], delay) $$;
create function @extschema@.send(queue_name text, msg jsonb) returns setof bigint language sql as $$
    select @extschema@.send_batch(queue_name, array[msg], null::jsonb[], clock_timestamp())
$$;
create function @extschema@.send(queue_name text, msg jsonb, headers jsonb) returns setof bigint language sql as $$
    select @extschema@.send_batch(queue_name, array[msg], array[headers], clock_timestamp())
$$;
create function @extschema@.send(queue_name text, msg jsonb, delay integer) returns setof bigint language sql as $$
    select @extschema@.send_batch(
        queue_name, array[msg], null::jsonb[], clock_timestamp() + make_interval(secs => delay)
    )
$$;
create function @extschema@.send(queue_name text, msg jsonb, delay timestamptz) returns setof bigint language sql as $$
    select @extschema@.send_batch(queue_name, array[msg], null::jsonb[], delay)
$$;
create function @extschema@.send(queue_name text, msg jsonb, headers jsonb, delay integer) returns setof bigint
language sql as $$
    select @extschema@.send_batch(
        queue_name, array[msg], array[headers], clock_timestamp() + make_interval(secs => delay)
    )
$$;

create function @extschema@.read(queue_name text, vt integer, qty integer, conditional jsonb default '{}')
returns setof @extschema@.message_record language plpgsql as $$
begin
    return query execute format(
        'update @extschema@.%1$I as queue'
        ' set vt = clock_timestamp() + make_interval(secs => $1), read_ct = read_ct + 1'
        ' where msg_id in ('
        '     select msg_id from @extschema@.%1$I where vt <= clock_timestamp() and message @> $3'
        '     order by msg_id limit $2 for update skip locked'
        ' ) returning msg_id, read_ct, enqueued_at, vt, message, headers',
        @extschema@.format_table_name(queue_name, 'q')
    ) using vt, qty, conditional;
end
$$;
create function @extschema@.read_with_poll(
    queue_name text, vt integer, qty integer, max_poll_seconds integer default 5,
    poll_interval_ms integer default 100, conditional jsonb default '{}'
) returns setof @extschema@.message_record language sql as $$
    select * from @extschema@.read(queue_name, vt, qty, conditional)
$$;
create function @extschema@._take(queue_name text, msg_ids bigint[], archiving boolean)
returns setof @extschema@.message_record language plpgsql as $$
declare
    taken constant text := format(
        'delete from @extschema@.%I where msg_id = any ($1)'
        ' returning msg_id, read_ct, enqueued_at, vt, message, headers',
        @extschema@.format_table_name(queue_name, 'q')
    );
begin
    if archiving then
        return query execute format(
            'with taken as (%s) insert into @extschema@.%I (msg_id, read_ct, enqueued_at, vt, message, headers)'
            ' select * from taken returning msg_id, read_ct, enqueued_at, vt, message, headers',
            taken, @extschema@.format_table_name(queue_name, 'a')
        ) using msg_ids;
    else
        return query execute taken using msg_ids;
    end if;
end
$$;
create function @extschema@.pop(queue_name text, qty integer default 1) returns setof @extschema@.message_record
language plpgsql as $$
declare
    ids bigint[];
begin
    execute format(
        'select array(select msg_id from @extschema@.%I where vt <= clock_timestamp()'
        ' order by msg_id limit $1 for update skip locked)', @extschema@.format_table_name(queue_name, 'q')
    ) into ids using qty;
    return query select * from @extschema@._take(queue_name, ids, false);
end
$$;
create function @extschema@.archive(queue_name text, msg_ids bigint[]) returns setof bigint language sql as $$
    select msg_id from @extschema@._take(queue_name, msg_ids, true)
$$;
create function @extschema@.archive(queue_name text, msg_id bigint) returns boolean language sql as $$
    select exists (select from @extschema@._take(archive.queue_name, array[archive.msg_id], true))
$$;
create function @extschema@.delete(queue_name text, msg_ids bigint[]) returns setof bigint language sql as $$
    select msg_id from @extschema@._take(queue_name, msg_ids, false)
$$;
create function @extschema@.delete(queue_name text, msg_id bigint) returns boolean language sql as $$
    select exists (select from @extschema@._take(delete.queue_name, array[delete.msg_id], false))
$$;
create function @extschema@.set_vt(queue_name text, msg_id bigint, vt integer)
returns setof @extschema@.message_record language plpgsql as $$
begin
    return query execute format(
        'update @extschema@.%I set vt = clock_timestamp() + make_interval(secs => $2) where msg_id = $1'
        ' returning msg_id, read_ct, enqueued_at, vt, message, headers',
        @extschema@.format_table_name(queue_name, 'q')
    ) using msg_id, vt;
end
$$;
create function @extschema@.purge_queue(queue_name text) returns bigint language plpgsql as $$
declare
    purged bigint;
begin
    execute format(
        'with purged as (delete from @extschema@.%I returning 1) select count(*) from purged',
        @extschema@.format_table_name(queue_name, 'q')
    ) into purged;
    return purged;
end
$$;
create function @extschema@.metrics(queue_name text) returns @extschema@.metrics_result language plpgsql as $$
declare
    result @extschema@.metrics_result;
begin
    execute format(
        'select $1, count(*), extract(epoch from clock_timestamp() - max(enqueued_at))::integer,'
        ' extract(epoch from clock_timestamp() - min(enqueued_at))::integer, coalesce(max(msg_id), 0),'
        ' clock_timestamp(), count(*) filter (where vt <= clock_timestamp()) from @extschema@.%I',
        @extschema@.format_table_name(queue_name, 'q')
    ) into result using queue_name;
    return result;
end
$$;
create function @extschema@.metrics_all() returns setof @extschema@.metrics_result language sql as $$
    select (@extschema@.metrics(queue_name)).* from @extschema@.meta
$$;
create function @extschema@.enable_notify_insert(queue_name text, throttle_interval_ms integer default 250)
returns void language sql as $$ $$;
create function @extschema@.disable_notify_insert(queue_name text) returns void language sql as $$ $$;

grant all on schema @extschema@ to postgres with grant option;
grant all on all tables in schema @extschema@ to postgres with grant option;
grant all on all routines in schema @extschema@ to postgres with grant option;
