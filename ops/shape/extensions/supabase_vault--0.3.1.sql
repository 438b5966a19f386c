-- Secrets are kept as they are given, since the database is thrown away.

create table @extschema@.secrets (
    id uuid primary key default gen_random_uuid(),
    name text,
    description text not null default '',
    secret text not null,
    key_id uuid,
    nonce bytea default uuid_send(gen_random_uuid()),
    created_at timestamptz not null default current_timestamp,
    updated_at timestamptz not null default current_timestamp
);
select pg_extension_config_dump('@extschema@.secrets', '');
create unique index secrets_name_idx on @extschema@.secrets (name) where name is not null;
create view @extschema@.decrypted_secrets as
    select id, name, description, secret, secret as decrypted_secret, key_id, nonce, created_at, updated_at
    from @extschema@.secrets;

create function @extschema@.create_secret(
    new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid language sql security definer begin atomic
    insert into @extschema@.secrets (secret, name, description, key_id)
    values (new_secret, new_name, coalesce(new_description, ''), new_key_id) returning id;
end;
create function @extschema@.update_secret(
    secret_id uuid, new_secret text default null, new_name text default null,
    new_description text default null, new_key_id uuid default null
) returns void language sql security definer begin atomic
    update @extschema@.secrets
    set secret = coalesce(new_secret, secrets.secret), name = coalesce(new_name, secrets.name),
        description = coalesce(new_description, secrets.description), updated_at = current_timestamp
    where id = secret_id;
end;

grant usage on schema @extschema@ to postgres with grant option;
grant usage on schema @extschema@ to service_role;
grant select, delete, truncate, references on @extschema@.secrets, @extschema@.decrypted_secrets
    to postgres with grant option;
grant select, delete on @extschema@.secrets, @extschema@.decrypted_secrets to service_role;
revoke all on all routines in schema @extschema@ from public;
grant execute on all routines in schema @extschema@ to postgres with grant option;
grant execute on all routines in schema @extschema@ to service_role;
