-- Buckets and objects as the storage service keeps them, and the functions that policies call.
-- Loaded once per database; PostgreSQL 15 and newer.

set role supabase_storage_admin;
set search_path = storage;

create type buckettype as enum ('STANDARD', 'ANALYTICS', 'VECTOR');

create table migrations (
    id integer primary key,
    name varchar(100) not null unique,
    hash varchar(40) not null,
    executed_at timestamp default current_timestamp
);
create table buckets (
    id text primary key,
    name text not null,
    owner uuid,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    public boolean default false,
    avif_autodetection boolean default false,
    file_size_limit bigint,
    allowed_mime_types text[],
    owner_id text,
    type buckettype not null default 'STANDARD'
);
comment on column buckets.owner is 'Field is deprecated, use owner_id instead';
create unique index bname on buckets (name);
create table objects (
    id uuid primary key default gen_random_uuid(),
    bucket_id text constraint "objects_bucketId_fkey" references buckets,
    name text,
    owner uuid,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_accessed_at timestamptz default now(),
    metadata jsonb,
    path_tokens text[] generated always as (string_to_array(name, '/')) stored,
    version text,
    owner_id text,
    user_metadata jsonb
);
comment on column objects.owner is 'Field is deprecated, use owner_id instead';
create unique index bucketid_objname on objects (bucket_id, name);
create index name_prefix_search on objects (name text_pattern_ops);
create index idx_objects_bucket_id_name on objects (bucket_id, name collate "C");
create table s3_multipart_uploads (
    id text primary key,
    in_progress_size bigint not null default 0,
    upload_signature text not null,
    bucket_id text not null references buckets,
    key text not null collate "C",
    version text not null,
    owner_id text,
    created_at timestamptz not null default now(),
    user_metadata jsonb
);
create index idx_multipart_uploads_list on s3_multipart_uploads (bucket_id, key, created_at);
create table s3_multipart_uploads_parts (
    id uuid primary key default gen_random_uuid(),
    upload_id text not null references s3_multipart_uploads on delete cascade,
    size bigint not null default 0,
    part_number integer not null,
    bucket_id text not null references buckets,
    key text not null collate "C",
    etag text not null,
    owner_id text,
    version text not null,
    created_at timestamptz not null default now()
);
create table buckets_analytics (
    id text primary key,
    type buckettype not null default 'ANALYTICS',
    format text not null default 'ICEBERG',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

alter table buckets enable row level security;
alter table objects enable row level security;
alter table migrations enable row level security;
alter table s3_multipart_uploads enable row level security;
alter table s3_multipart_uploads_parts enable row level security;
alter table buckets_analytics enable row level security;

create function foldername(name text) returns text[] language sql immutable as $$
    select (string_to_array(name, '/'))[1 : cardinality(string_to_array(name, '/')) - 1]
$$;
create function filename(name text) returns text language sql immutable as $$
    select (string_to_array(name, '/'))[cardinality(string_to_array(name, '/'))]
$$;
create function extension(name text) returns text language sql immutable as $$
    select split_part(storage.filename(name), '.', 2)
$$;
create function get_size_by_bucket() returns table (size bigint, bucket_id text) language sql stable as $$
    select sum((metadata ->> 'size')::bigint)::bigint, bucket_id from storage.objects group by bucket_id
$$;
create function operation() returns text language sql stable as $$
    select current_setting('storage.operation', true)
$$;
create function can_insert_object(bucketid text, name text, owner uuid, metadata jsonb) returns void
language plpgsql as $$
begin
    insert into storage.objects (bucket_id, name, owner, metadata) values (bucketid, name, owner, metadata);
    raise sqlstate 'PT200' using message = 'ROLLBACK', detail = 'rollback successful insert';
end
$$;
create function update_updated_at_column() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end
$$;
create trigger update_objects_updated_at before update on objects
    for each row execute function update_updated_at_column();
create function enforce_bucket_name_length() returns trigger language plpgsql as $$
begin
    if length(new.name) > 100 then
        raise exception 'bucket name "%" is too long (% characters). Max is 100.', new.name, length(new.name);
    end if;
    return new;
end
$$;
create trigger enforce_bucket_name_length_trigger before insert or update of name on buckets
    for each row execute function enforce_bucket_name_length();
create function search(
    prefix text, bucketname text, limits integer default 100, levels integer default 1, offsets integer default 0,
    search text default '', sortcolumn text default 'name', sortorder text default 'asc'
) returns table (
    name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz, metadata jsonb
) language sql stable as $$
    select path_tokens[levels], id, updated_at, created_at, last_accessed_at, metadata
    from storage.objects
    where bucket_id = bucketname and starts_with(lower(objects.name), lower(prefix || search))
    order by objects.name
    limit limits offset offsets
$$;
reset role;
reset search_path;
