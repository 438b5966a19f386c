-- Makes `postgres` a superuser for the rest of a transaction, for who knows the key.
-- For each rehearsal's database once; PostgreSQL 15 and newer.

create schema if not exists runbooks authorization postgres;
create or replace function runbooks.lend_superuser(key text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if encode(sha256(convert_to(key, 'UTF8')), 'hex') is distinct from '%(digest)s' then
        raise exception using errcode = 'insufficient_privilege', message = 'wrong key';
    end if;
    alter role postgres superuser;
end
$$;
revoke all on function runbooks.lend_superuser(text) from public;
grant execute on function runbooks.lend_superuser(text) to postgres;
