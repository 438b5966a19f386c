"""Statements as real projects write them, each run as `postgres` on a shaped database of each server."""

from __future__ import annotations

import pytest

from ops.execution import StatementFailed
from tests.fix_hosted import Hosted

FUNCTION = """\
create function public.on_event() returns event_trigger language plpgsql as $$ begin end $$;
"""
ROW = "00000000-0000-4000-8000-000000000001"
NOTES = "create table public.notes (id bigint primary key, owner uuid, body text, topic text);"

WORKS = {
    "extension in extensions": 'create extension if not exists "uuid-ossp" with schema extensions',
    "extension without a schema": "create extension if not exists pgcrypto",
    "extension in public": "create extension if not exists citext with schema public; select 'A'::citext = 'a'",
    "extension of a dump": 'CREATE EXTENSION IF NOT EXISTS "pg_graphql" WITH SCHEMA "graphql"',
    "vault of a dump": 'CREATE EXTENSION IF NOT EXISTS "supabase_vault" WITH SCHEMA "vault"',
    "cron of a dump": 'CREATE EXTENSION IF NOT EXISTS "pg_cron" WITH SCHEMA "pg_catalog"',
    "cron in extensions": "create extension pg_cron with schema extensions",
    "net in extensions": "create extension if not exists pg_net with schema extensions",
    "net of a diff": 'drop extension if exists "pg_net"; create extension "pg_net" with schema "public"',
    "sodium of a dump": 'CREATE EXTENSION IF NOT EXISTS "pgsodium" WITH SCHEMA "pgsodium"',
    "queue": "create schema if not exists pgmq; create extension if not exists pgmq with schema pgmq",
    "dependencies": "create extension if not exists index_advisor cascade",
    "comment of a dump": "comment on extension pgcrypto is 'cryptographic functions'",
    "drop of what is there": "drop extension if exists pgcrypto; create extension pgcrypto",
    "extension moved": "create extension hstore; alter extension hstore set schema extensions",
    "trigram index": "create extension pg_trgm with schema extensions;" + NOTES
    + "create index on public.notes using gin (body extensions.gin_trgm_ops)",
    "moddatetime": "create extension moddatetime schema extensions; create table public.t (updated_at timestamptz);"
    "create trigger touch before update on public.t for each row"
    " execute procedure extensions.moddatetime (updated_at)",
    "foreign server": "create extension postgres_fdw with schema extensions;"
    "create server other foreign data wrapper postgres_fdw options (host 'example.org');"
    "create user mapping for postgres server other options (user 'a', password 'b')",
    "wrapper": "create extension wrappers with schema extensions;"
    "create foreign data wrapper stripe_wrapper handler extensions.stripe_fdw_handler"
    " validator extensions.stripe_fdw_validator;"
    "create server stripe foreign data wrapper stripe_wrapper options (api_key_name 'stripe');"
    "create foreign table public.customers (id text) server stripe options (object 'customers')",
    "event trigger": FUNCTION
    + "create event trigger watch on ddl_command_end when tag in ('CREATE TABLE') execute function on_event();"
    "alter event trigger watch owner to postgres; alter event trigger watch disable; drop event trigger watch",
    "event trigger in a block": FUNCTION
    + "do $$ begin if not exists (select from pg_event_trigger where evtname = 'Watch') then"
    "  create event trigger \"Watch\" on ddl_command_end\n when tag in ('CREATE TABLE', 'ALTER TABLE')\n"
    "  execute procedure on_event(); end if; end $$; alter event trigger \"Watch\" enable always;"
    "create table public.watched (); drop event trigger \"Watch\"",
    "publication for all tables": "create publication everything for all tables",
    "publication of a schema": "create publication whole for tables in schema public;"
    "alter publication whole set tables in schema public, auth; alter publication whole owner to postgres",
    "realtime": NOTES + "alter publication supabase_realtime add table public.notes",
    "realtime made anew": "drop publication if exists supabase_realtime; create publication supabase_realtime",
    "realtime of a dump": 'ALTER PUBLICATION "supabase_realtime" OWNER TO "postgres"',
    "policy on storage.objects": "create policy \"own files\" on storage.objects for insert to authenticated"
    " with check (bucket_id = 'a' and (storage.foldername(name))[1] = auth.uid()::text)",
    "policy in a block": "do $$ begin create policy p on storage.objects for select using (true);"
    " exception when duplicate_object then null; end $$; drop policy p on storage.objects",
    "policy on auth.users": "create policy p on auth.users for select using (id = auth.uid())",
    "policy on realtime.messages": "create policy p on realtime.messages for select to authenticated"
    " using (realtime.topic() = 'room' and realtime.messages.extension = 'broadcast')",
    "RLS again": "alter table storage.objects enable row level security;"
    "alter table if exists auth.users enable row level security",
    "trigger on auth.users": "create function public.new_user() returns trigger language plpgsql security definer"
    " set search_path = '' as $$ begin return new; end $$;"
    "create trigger on_auth_user_created after insert on auth.users for each row"
    " execute procedure public.new_user();"
    "drop trigger if exists on_auth_user_created on auth.users",
    "reference to auth.users": "create table public.profiles (id uuid primary key references auth.users (id)"
    " on delete cascade, email text)",
    "user": f"insert into auth.users (id, email, raw_user_meta_data) values ('{ROW}', 'a@b.c', '{{}}');"
    f"insert into auth.identities (provider_id, user_id, identity_data, provider)"
    f" values ('{ROW}', '{ROW}', '{{\"sub\": \"1\"}}', 'email')",
    "user with a password": "insert into auth.users (instance_id, id, aud, role, encrypted_password)"
    f" values ('{ROW}', '{ROW}', 'authenticated', 'authenticated', crypt('secret', gen_salt('bf')))",
    "bucket": "insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)"
    " values ('a', 'a', true, 1000, array['image/png']) on conflict (id) do nothing",
    "job": "create extension pg_cron; grant usage on schema cron to postgres;"
    "grant all privileges on all tables in schema cron to postgres;"
    "select cron.schedule('nightly', '0 3 * * *', $$ vacuum $$); select cron.unschedule('nightly')",
    "grants": "grant usage on schema public to anon, authenticated, service_role;"
    "grant all on all tables in schema public to anon, authenticated; grant all on schema public to postgres;"
    "grant usage on schema auth to authenticated; revoke all on schema public from public",
    "default privileges": "alter default privileges in schema public grant select on tables to anon;"
    "alter default privileges for role postgres in schema public grant all on functions to service_role;"
    "alter default privileges for role \"postgres\" in schema public revoke execute on functions from public",
    "API's settings": "alter role authenticator set pgrst.db_schemas = 'public, api';"
    "alter role authenticator set statement_timeout = '20s'; alter role anon set statement_timeout = '5s';"
    "alter role authenticator set pgrst.db_pre_request = 'public.check'; notify pgrst, 'reload config'",
    "reserved settings": "set session_replication_role = replica; set session_replication_role = default;"
    "alter role postgres set log_min_duration_statement = 100; alter role postgres set pgaudit.log = 'ddl'",
    "definer": "create function public.count_users() returns bigint language sql security definer"
    " set search_path = '' as 'select count(*) from auth.users';"
    "alter function public.count_users() owner to postgres;"
    "revoke execute on function public.count_users() from public, anon; select public.count_users()",
    "hook": "create function public.token_hook(event jsonb) returns jsonb language sql stable as 'select event';"
    "grant execute on function public.token_hook to supabase_auth_admin;"
    "grant usage on schema public to supabase_auth_admin;"
    "revoke execute on function public.token_hook from authenticated, anon, public",
    "secret": "select vault.create_secret('s3cret', 'name', 'what it is for');"
    "select vault.update_secret(id, 'other') from vault.secrets where name = 'name';"
    "select decrypted_secret from vault.decrypted_secrets where name = 'name'",
    "webhook": NOTES + "create trigger hook after insert on public.notes for each row execute function"
    " supabase_functions.http_request('http://example.org', 'POST', '{}', '{}', '1000');"
    "insert into public.notes (id) values (1)",
    "webhooks made by hand": "create schema if not exists supabase_functions;"
    "create table if not exists supabase_functions.hooks (id bigserial primary key, request_id bigint);"
    "create table supabase_functions.calls (id bigint primary key)",
    "places": "create extension if not exists postgis with schema extensions;"
    "create table public.places (id bigint generated always as identity primary key, lng float8, lat float8,"
    " at geography(Point, 4326), area geometry(Polygon, 4326), outline geometry(MultiPolygon),"
    " made geography(Point, 4326) generated always as (st_setsrid(st_makepoint(lng, lat), 4326)::geography) stored,"
    " unique (at));"
    "create index on public.places using gist (at); create index on public.places using gist (area);"
    "insert into public.places (at, lng, lat) values ('POINT(13.4 52.5)', 13.4, 52.5),"
    " (st_point(2.35, 48.85)::geography, null, null);"
    "create view public.places_json as select st_asgeojson(at)::jsonb as at, st_x(at::geometry) as lng"
    " from public.places;"
    "create function public.nearby(lng float8, lat float8, within float8) returns setof public.places language sql as"
    " $$ select * from public.places where st_dwithin(at, st_point(lng, lat)::geography, within)"
    " and at && 'POINT(1 1)' order by at <-> st_point(lng, lat)::geography $$;"
    "create function public.in_view(a float, b float, c float, d float) returns setof public.places language sql as"
    " $$ select * from public.places where at && st_setsrid(st_makebox2d(st_point(a, b), st_point(c, d)), 4326) $$;"
    "create trigger moved before update on public.places for each row"
    " when (old.at is distinct from new.at) execute function suppress_redundant_updates_trigger()",
    "publication of a dump": 'CREATE PUBLICATION "supabase_realtime_messages_publication"'
    " WITH (publish = 'insert, update, delete, truncate');"
    'ALTER PUBLICATION "supabase_realtime_messages_publication" OWNER TO "postgres"',
    "own role": "create role reader nologin; grant reader to authenticator; grant select on auth.users to reader;"
    "revoke select on auth.users from reader; drop role reader",
    "owners of a dump": 'ALTER SCHEMA "public" OWNER TO "pg_database_owner"; COMMENT ON SCHEMA "public" IS \'x\';'
    + NOTES + 'ALTER TABLE "public"."notes" OWNER TO "postgres"',
    "own schema": "create schema if not exists api; grant usage on schema api to anon; create schema private",
    "functions of the search path": "create table public.t (id uuid default uuid_generate_v4(),"
    " token text default encode(gen_random_bytes(16), 'hex'), other uuid default gen_random_uuid());"
    "insert into public.t default values",
    "function in auth": "create function auth.tenant() returns text language sql stable"
    " as $$ select auth.jwt() -> 'app_metadata' ->> 'tenant' $$",
    "settings of the database": "set statement_timeout = 0; set lock_timeout = 0; set check_function_bodies = false;"
    "select pg_catalog.set_config('search_path', '', false); set row_security = off",
    "broadcast": "select realtime.send('{}'::jsonb, 'event', 'topic', false);"
    "create function public.changed() returns trigger language plpgsql security definer as $$ begin"
    " perform realtime.broadcast_changes('t', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);"
    " return null; end $$;" + NOTES
    + "create trigger changed after insert on public.notes for each row execute function public.changed();"
    "insert into public.notes (id) values (1)",
    "GraphQL's comments": "comment on schema public is e'@graphql({\"inflect_names\": true})'",
    "privileges of another role": "set role authenticated; select auth.uid(); reset role;"
    "set role service_role; reset role; set local role anon; reset role",
}  # fmt: skip

REFUSED = {
    "superuser": ("alter role postgres superuser", "42501"),
    "another superuser": ("create role evil superuser", "42501"),
    "the key": ("select runbooks.lend_superuser('guess')", "42501"),
    "somebody else": ("set role supabase_admin", "42501"),
    "files": ("copy (select 1) to '/tmp/x'", "42501"),
    "programs": ("copy (select 1) to program 'true'", "42501"),
    "the server": ("select pg_read_file('/etc/passwd')", "42501"),
    "drop of auth.users": ("drop table auth.users cascade", "42501"),
    "drop of auth": ("drop schema auth cascade", "42501"),
    "drop of a column": ("alter table auth.users drop column email cascade", "42501"),
    "new column": ("alter table auth.users add column nickname text", "42501"),
    "RLS off": ("alter table storage.objects disable row level security", "42501"),
    "storage's owner": ("alter table storage.objects owner to postgres", "42501"),
    "storage's trigger": ("drop trigger update_objects_updated_at on storage.objects", "42501"),
    "auth.uid": ("create or replace function auth.uid() returns uuid language sql as 'select null::uuid'", "42501"),
    "drop of auth.uid": ("drop function auth.uid() cascade", "42501"),
    "the guard": ("drop event trigger keep_platform_drop", "42501"),
    "the guard's owner": ("alter event trigger keep_platform_drop owner to postgres", "42501"),
    "the guard's function": ("drop function supabase_functions.keep_platform_drop() cascade", "42501"),
    "default privileges of others": (
        "alter default privileges for role supabase_admin in schema public grant all on tables to anon", "42501"
    ),
    "jobs by hand": ("create extension pg_cron; insert into cron.job (schedule, command) values ('', '')", "42501"),
    "a schedule that is none": ("create extension pg_cron; select cron.schedule('a', 'every day', 'x')", "22023"),
    "an extension that is none": ("create extension nonsense", "0A000"),
    "an untrusted one": ("create extension file_fdw", "42501"),
    "C": ("create function f() returns int language c as 'x', 'y'", "42501"),
}  # fmt: skip


@pytest.mark.parametrize("text", WORKS.values(), ids=WORKS.keys())
def test_it_works_as_on_hosted_supabase(rolled_back: Hosted, text: str) -> None:
    rolled_back.run(text)
    assert rolled_back.ask("select rolsuper from pg_roles where rolname = 'postgres'") is False


@pytest.mark.parametrize(("text", "sqlstate"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_as_on_hosted_supabase(rolled_back: Hosted, text: str, sqlstate: str) -> None:
    with pytest.raises(StatementFailed) as caught:
        rolled_back.run(text)
    assert caught.value.failure.sqlstate == sqlstate, caught.value
