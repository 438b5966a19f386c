-- Keys are kept and nothing is secret: what is encrypted opens with the same key and context, and only here.
-- Security labels of transparent column encryption are not accepted.

create type @extschema@.key_status as enum ('default', 'valid', 'invalid', 'expired');
create type @extschema@.key_type as enum (
    'aead-ietf', 'aead-det', 'hmacsha512', 'hmacsha256', 'auth', 'shorthash', 'generichash', 'kdf', 'secretbox',
    'secretstream', 'stream_xchacha20'
);
create sequence @extschema@.key_key_id_seq;
create table @extschema@.key (
    id uuid primary key default gen_random_uuid(),
    status @extschema@.key_status default 'valid',
    created timestamptz not null default current_timestamp,
    expires timestamptz,
    key_type @extschema@.key_type,
    key_id bigint default nextval('@extschema@.key_key_id_seq'),
    key_context bytea default '\x7067736f6469756d' check (length(key_context) = 8),
    name text unique,
    associated_data text default 'associated',
    raw_key bytea,
    raw_key_nonce bytea,
    parent_key uuid references @extschema@.key,
    comment text,
    user_data text
);
select pg_extension_config_dump('@extschema@.key', '');
create view @extschema@.valid_key as
    select id, name, status, key_type, key_id, key_context, created, expires, associated_data
    from @extschema@.key
    where status in ('valid', 'default') and (expires is null or expires > now());

create function @extschema@.create_key(
    key_type @extschema@.key_type default 'aead-det', name text default null, raw_key bytea default null,
    raw_key_nonce bytea default null, parent_key uuid default null, key_context bytea default '\x7067736f6469756d',
    expires timestamptz default null, associated_data text default ''
) returns @extschema@.valid_key language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    made uuid;
    result @extschema@.valid_key;
begin
    insert into @extschema@.key (key_type, name, raw_key, raw_key_nonce, parent_key, key_context, expires,
        associated_data)
    values (key_type, name, raw_key, raw_key_nonce, parent_key, key_context, expires, associated_data)
    returning id into made;
    select * into result from @extschema@.valid_key where id = made;
    return result;
end
$$;
create function @extschema@.get_key_by_id(uuid) returns @extschema@.valid_key language sql security definer set search_path = pg_catalog, pg_temp as $$
    select * from @extschema@.valid_key where id = $1
$$;
create function @extschema@.get_key_by_name(text) returns @extschema@.valid_key language sql security definer set search_path = pg_catalog, pg_temp as $$
    select * from @extschema@.valid_key where name = $1
$$;
create function @extschema@.randombytes_buf(size integer) returns bytea language sql volatile return (
    select coalesce(substr(string_agg(sha256(uuid_send(gen_random_uuid())), ''::bytea), 1, size), '')
    from generate_series(0, size / 32)
);
create function @extschema@.randombytes_random() returns integer language sql volatile
    return (random() * 2147483647)::integer;
create function @extschema@.randombytes_uniform(upper_bound integer) returns integer language sql volatile
    return floor(random() * upper_bound)::integer;
create function @extschema@.crypto_aead_det_keygen() returns bytea language sql volatile
    return @extschema@.randombytes_buf(32);
create function @extschema@.crypto_aead_det_noncegen() returns bytea language sql volatile
    return @extschema@.randombytes_buf(32);
create function @extschema@.crypto_secretbox_keygen() returns bytea language sql volatile
    return @extschema@.randombytes_buf(32);
create function @extschema@.crypto_secretbox_noncegen() returns bytea language sql volatile
    return @extschema@.randombytes_buf(24);

create function @extschema@.seal(message bytea, bound bytea) returns bytea language sql immutable
    return sha256(bound) || message;
create function @extschema@.unseal(sealed bytea, bound bytea) returns bytea language plpgsql immutable as $$
begin
    if substr(sealed, 1, 32) is distinct from sha256(bound) then
        raise exception using errcode = '22000', message = 'pgsodium_crypto: invalid ciphertext';
    end if;
    return substr(sealed, 33);
end
$$;
create function @extschema@.crypto_aead_det_encrypt(
    message bytea, additional bytea, key_uuid uuid, nonce bytea default null
) returns bytea language sql immutable return @extschema@.seal(
    message, uuid_send(key_uuid) || coalesce(additional, '') || coalesce(nonce, '')
);
create function @extschema@.crypto_aead_det_decrypt(
    message bytea, additional bytea, key_uuid uuid, nonce bytea default null
) returns bytea language sql immutable return @extschema@.unseal(
    message, uuid_send(key_uuid) || coalesce(additional, '') || coalesce(nonce, '')
);
create function @extschema@.crypto_aead_det_encrypt(
    message bytea, additional bytea, key bytea, nonce bytea default null
) returns bytea language sql immutable return @extschema@.seal(
    message, key || coalesce(additional, '') || coalesce(nonce, '')
);
create function @extschema@.crypto_aead_det_decrypt(
    message bytea, additional bytea, key bytea, nonce bytea default null
) returns bytea language sql immutable return @extschema@.unseal(
    message, key || coalesce(additional, '') || coalesce(nonce, '')
);
create function @extschema@.crypto_secretbox(message bytea, nonce bytea, key bytea) returns bytea
language sql immutable return @extschema@.seal(message, key || nonce);
create function @extschema@.crypto_secretbox_open(message bytea, nonce bytea, key bytea) returns bytea
language sql immutable return @extschema@.unseal(message, key || nonce);

-- Nothing here belongs to a superuser: a project's trigger on one of these tables runs as the owner of a function.
do $owners$
declare
    statement text;
begin
    for statement in
        select format('alter table %s owner to supabase_functions_admin', oid::regclass)
        from pg_catalog.pg_class where relnamespace = '@extschema@'::regnamespace and relkind in ('r', 'v')
        union all
        select format('alter function %s owner to supabase_functions_admin', oid::regprocedure)
        from pg_catalog.pg_proc where pronamespace = '@extschema@'::regnamespace
    loop
        execute statement;
    end loop;
end
$owners$;

grant all on schema @extschema@ to supabase_functions_admin;
grant all on all sequences in schema @extschema@ to supabase_functions_admin;
grant usage on schema @extschema@ to postgres, pgsodium_keyiduser, pgsodium_keyholder, pgsodium_keymaker;
grant all on all tables in schema @extschema@ to postgres, pgsodium_keymaker;
grant select on @extschema@.valid_key to pgsodium_keyiduser, pgsodium_keyholder;
grant all on all sequences in schema @extschema@ to postgres, pgsodium_keymaker;
grant execute on all functions in schema @extschema@ to postgres, pgsodium_keyiduser, pgsodium_keyholder;
